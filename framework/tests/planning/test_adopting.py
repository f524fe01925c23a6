"""What is there is adopted, whoever made it: the plan is empty then, and a class that changes is a change."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    UniqueConstraint,
    text,
)
from sqlmodel_framework import adopt, find_drift, plan_datakit
from sqlmodel_framework.base.discovery import datakit_in

from .conftest import Place, model

# In each database's own words, with what its people use.
LEGACY = {
    "mariadb": [
        "CREATE DATABASE shop",
        """CREATE TABLE shop.person (
            id int unsigned AUTO_INCREMENT PRIMARY KEY, name varchar(40) NOT NULL COMMENT 'with a : and a %',
            code char(3) DEFAULT 'x:y', born date, seen datetime(3), pay decimal(12, 2) DEFAULT 0.50,
            changed timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
            ok tinyint(1) NOT NULL DEFAULT 1, big bigint, ratio double, part float, picture longblob,
            extra json, words text COLLATE utf8mb4_bin, mood enum('in progress', 'class', '') NOT NULL,
            flags set('a', 'b'), at time, year year, bits bit(4), key_ uuid, host inet6,
            twice decimal(12, 2) GENERATED ALWAYS AS (pay * 2) STORED, half double AS (pay / 2) VIRTUAL,
            boss int unsigned, tiny tinyint, medium mediumint, note tinytext DEFAULT 'it''s',
            CONSTRAINT boss_of FOREIGN KEY (boss) REFERENCES shop.person (id) ON DELETE SET NULL,
            CONSTRAINT name_is_said CHECK (length(name) > 0 AND name <> ' :none'), CHECK (pay < 100000),
            UNIQUE (name, born), KEY by_code (code(2), name DESC), FULLTEXT KEY by_words (words)
        ) COMMENT 'who it is: all of ''them'''""",
        """CREATE TABLE shop.`order` (
            `select` int, `Mixed Case` varchar(9), `quo``te` text, `class` int, per int CHECK (per > 0),
            person int unsigned, PRIMARY KEY (`Mixed Case`, `select`),
            FOREIGN KEY (person) REFERENCES shop.person (id) ON UPDATE CASCADE
        )""",
        "CREATE TABLE shop.number (id int PRIMARY KEY, a int, b varchar(9),"
        " FOREIGN KEY (b, a) REFERENCES shop.`order` (`Mixed Case`, `select`))",
        "CREATE TABLE shop.log (at timestamp NULL, words text)",
        "CREATE TABLE shop.egg (id int PRIMARY KEY, hen int)",
        "CREATE TABLE shop.hen (id int PRIMARY KEY, egg int REFERENCES shop.egg (id))",
        "ALTER TABLE shop.egg ADD CONSTRAINT laid_by FOREIGN KEY (hen) REFERENCES shop.hen (id)",
        "CREATE TABLE shop.past (id int PRIMARY KEY) WITH SYSTEM VERSIONING",
        "CREATE VIEW shop.grown AS SELECT id FROM shop.person",
        "CREATE TRIGGER shop.note BEFORE INSERT ON shop.log FOR EACH ROW SET NEW.words = 'x'",
    ],
    "postgresql": [
        "CREATE SCHEMA shop",
        """CREATE TABLE shop.person (
            id serial PRIMARY KEY, name varchar(40) NOT NULL, born date, boss integer REFERENCES shop.person,
            UNIQUE (name, born), CHECK (length(name) > 0)
        )""",
        """CREATE TABLE shop."order" (
            "select" int, "Mixed Case" varchar(9), person int REFERENCES shop.person ON UPDATE CASCADE,
            PRIMARY KEY ("Mixed Case", "select")
        )""",
        "CREATE TABLE shop.number (id int PRIMARY KEY, a int, b varchar(9),"
        ' FOREIGN KEY (b, a) REFERENCES shop."order")',
        "CREATE TABLE shop.log (at timestamp, words text)",
        "CREATE TABLE shop.egg (id int PRIMARY KEY, hen int)",
        "CREATE TABLE shop.hen (id int PRIMARY KEY, egg int REFERENCES shop.egg (id))",
        "ALTER TABLE shop.egg ADD CONSTRAINT laid_by FOREIGN KEY (hen) REFERENCES shop.hen (id)",
    ],
    # A schema is the first part of a name there.
    "sqlite": [
        """CREATE TABLE "shop.person" (
            id INTEGER PRIMARY KEY, name varchar(40) NOT NULL, born date DEFAULT CURRENT_DATE,
            boss integer REFERENCES "shop.person" (id) ON DELETE SET NULL, pay decimal(12, 2) DEFAULT 0.5,
            twice integer AS (boss * 2), UNIQUE (name, born), CHECK (length(name) > 0)
        )""",
        """CREATE TABLE "shop.order" (
            "select" int, "Mixed Case" varchar(9), person int REFERENCES "shop.person" ON UPDATE CASCADE,
            PRIMARY KEY ("Mixed Case", "select")
        )""",
        'CREATE TABLE "shop.number" (id int PRIMARY KEY, a int, b varchar(9),'
        ' FOREIGN KEY (b, a) REFERENCES "shop.order" ("Mixed Case", "select"))',
        'CREATE TABLE "shop.log" (at timestamp, words text)',
        'CREATE TABLE "shop.egg" (id int PRIMARY KEY, hen int REFERENCES "shop.hen" (id))',
        'CREATE TABLE "shop.hen" (id int PRIMARY KEY, egg int REFERENCES "shop.egg" (id))',
        'CREATE UNIQUE INDEX "shop.by_name" ON "shop.person" (name DESC) WHERE boss IS NULL',
    ],
}
TABLES = tuple(f"shop.{name}" for name in ("egg", "hen", "log", "number", "order", "person"))
LEFT_ALONE = {
    "mariadb": {
        "view shop.grown",
        "table shop.past, whose history the database keeps",
        "trigger note of shop.log",
    },
    "postgresql": set(),
    "sqlite": set(),
}


@pytest.mark.capability("plan: adoption")
def test_a_grown_database_is_adopted_and_the_plan_is_empty(place: Place, tmp_path: Path) -> None:
    dialect = place.target.dialect
    place.run(*LEGACY[dialect])
    adoption = adopt("legacy", place.target, schemas=["shop"], folder=tmp_path / "legacy")
    assert adoption.tables == TABLES
    assert set(adoption.left_alone) == LEFT_ALONE[dialect]
    package = tmp_path / "legacy" / "src" / "legacy_datakit"
    assert plan_datakit(datakit_in(package), place.target).empty
    assert find_drift("legacy", place.target).differences == ()
    tables = package / "tables.py"
    tables.write_text(tables.read_text().replace("(40)", "(50)"))
    changes = plan_datakit(datakit_in(package), place.target).changes
    assert [change.id for change in changes] == ["change column shop.person.name"]


@pytest.mark.capability("plan: adoption")
@pytest.mark.parametrize(
    "name", ["select", "It's", 'a"b', "a`b", "a%sb", "%(x)s", "a:b", "a\\b", "Ünïcode", "a b;--"]
)
def test_whatever_things_are_called_they_are_adopted(place: Place, tmp_path: Path, name: str) -> None:
    code = Column(name, String(10), nullable=False, comment=name, server_default=text("'x'"))
    declared = model(
        name,
        Column("id", Integer, primary_key=True),
        code,
        Column(f"{name}2", Integer),
        arguments=[
            Index(f"{name}i", code),
            UniqueConstraint(name, f"{name}2", name=f"{name}u"),
            CheckConstraint(code != name, name=f"{name}c"),
            ForeignKeyConstraint([f"{name}2"], [f"shop.{name}.id"], name=f"{name}f"),
        ],
        comment=name,
    )
    place.deploy(declared)
    # As if nobody had deployed it.
    place.lose_the_ledger()
    adoption = adopt("found", place.target, schemas=["shop"], folder=tmp_path / "found")
    assert len(adoption.tables) == 1
    assert adoption.left_alone == ()
    (found,) = datakit_in(tmp_path / "found" / "src" / "found_datakit").sorted_tables()
    assert (found.name, [column.name for column in found.columns]) == (name, ["id", name, f"{name}2"])
