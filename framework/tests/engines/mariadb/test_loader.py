"""The statements of a load into a bronze table as text, without a server."""

from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import Connection, Text
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.schema import CreateTable
from sqlfluff.core import FluffConfig, Linter
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, CsvSource, Load
from sqlmodel_framework.engines.mariadb.loader import STAGING
from sqlmodel_framework.engines.staged_bronze import POSITION, stage_table
from sqlmodel_framework.loading.bronze import append_new

LINTER = Linter(config=FluffConfig(overrides={"dialect": "mariadb"}))


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "mariadb_raw"
    __table_args__ = {"schema": "my shop"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


LOAD = Load(
    table=Raw,
    name="items",
    layer="bronze",
    source=CsvSource(open=lambda: pytest.fail("read"), name="items.csv"),
)
STAGE = stage_table(LOAD, ["price", "code"], STAGING)


class Recorded:
    """A connection to nowhere, which keeps what it is told."""

    def __init__(self) -> None:
        self.dialect = MariaDBDialect()
        self.said: list[Any] = []

    def execute(self, statement: Any) -> Any:
        self.said.append(statement.compile(dialect=self.dialect))
        return SimpleNamespace(rowcount=1)


def words(text: Any) -> str:
    return " ".join(str(text).split())


def objections(sql: str) -> list[str]:
    return [violation.desc() for violation in LINTER.parse_string(sql).violations]


def appended() -> Any:
    recorded = Recorded()
    append_new(
        cast("Connection", recorded),
        LOAD,
        STAGE,
        UUID(int=7),
        position=POSITION,
        row_hash=STAGING.row_hash,
        exact=STAGING.exact,
    )
    (statement,) = recorded.said
    return statement


def test_the_stage_keeps_any_text_and_lies_in_the_database_of_its_table() -> None:
    text = "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    made = words(CreateTable(STAGE).compile(dialect=MariaDBDialect()))
    assert made == (
        "CREATE TEMPORARY TABLE `my shop`.datakit_stage ( datakit_position BIGINT NOT NULL AUTO_INCREMENT, "
        f"price {text}, code {text}, PRIMARY KEY (datakit_position) )"
    )
    assert objections(made) == []


def test_what_drops_the_stage_does_not_commit() -> None:
    assert STAGING.drop == "DROP TEMPORARY TABLE"


def test_the_hash_is_over_the_bytes_that_are_written_down_for_it() -> None:
    said = words(STAGING.row_hash(STAGE, ["code", "price"]).compile(dialect=MariaDBDialect()))
    value = "coalesce(concat(unhex(lpad(hex(octet_length({0})), %s, %s)), CAST({0} AS BINARY)), X'ffffffff')"
    code, price = (value.format(f"`my shop`.datakit_stage.{name}") for name in ("code", "price"))
    has_null = (
        "CASE WHEN (`my shop`.datakit_stage.code IS NULL OR `my shop`.datakit_stage.price IS NULL) "
        "THEN X'00000001' ELSE X'00000000' END"
    )
    assert said == (
        f"unhex(sha2(concat(X'00000001', {has_null}, X'00000019', X'00000002', X'00000001', "
        f"{code}, {price}), %s))"
    )


def test_appending_is_one_statement_of_mariadb() -> None:
    statement = appended()
    said = words(statement)
    assert said.startswith(
        "INSERT INTO `my shop`.mariadb_raw (code, price, row_hash, source_system, source_table, source_host, "
        "extraction_method, run_id) SELECT "
    )
    assert "row_number() OVER (PARTITION BY " in said
    assert "OFFSET" not in said
    values = list(statement.params.values())
    assert {"items.csv", "file", UUID(int=7)} <= {each for each in values if each is not None}
    # The grammar takes no placeholders of the driver.
    assert objections(said.replace("%s", "'v'")) == []


def test_sources_are_told_apart_by_their_bytes() -> None:
    said = words(appended())
    for name in ("source_system", "source_table"):
        assert f"CAST(`my shop`.mariadb_raw.{name} AS BINARY) = CAST(%s AS BINARY)" in said
