"""`datakit adopt`, as somebody at a terminal sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Ask, Shop

LEGACY = """
CREATE SCHEMA till;
CREATE TABLE till.item (code varchar(5) PRIMARY KEY, price numeric(8, 2) NOT NULL CHECK (price > 0));
CREATE TABLE till.sale (id bigserial PRIMARY KEY, item varchar(5) NOT NULL REFERENCES till.item);
CREATE VIEW till.sold AS SELECT item, count(*) FROM till.sale GROUP BY item;
CREATE TABLE other (id integer PRIMARY KEY);
"""


@pytest.fixture(autouse=True)
def named(shop: Shop, database: Target, ask: Ask) -> None:
    (shop.folder / "datakit.toml").write_text(f'[targets.old]\nurl = "{database.url}"\n')
    ask(database, LEGACY)


def source(shop: Shop) -> str:
    return f"{shop.folder / 'old-till' / 'src'}:{shop.environment['PYTHONPATH']}"


def test_the_summary_says_what_was_adopted_and_what_was_not(shop: Shop) -> None:
    done = shop.run("adopt", "old-till", "--target", "old", "--schema", "till")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "adopted 2 tables:",
        "  till.item",
        "  till.sale",
        "left alone:",
        "  view till.sold",
        "wrote old-till/",
        "old is recorded as deployed: nothing in it was changed, and the plan is empty",
        "Next:",
        "  cd old-till",
        "  pip install -e . pytest",
        "  datakit plan old-till --target old",
    ]


def test_the_plan_is_empty_until_a_class_is_changed(shop: Shop) -> None:
    shop.run("adopt", "old-till", "--target", "old", "--schema", "till")
    path = source(shop)
    planned = shop.run("plan", "old_till_datakit", "--target", "old", PYTHONPATH=path)
    assert (planned.returncode, planned.stderr) == (0, "")
    assert planned.stdout.splitlines() == [
        "old-till 0.1.0 to old: nothing to do",
        "  . view till.sold is not declared, and left alone",
    ]
    drifted = shop.run("drift", "old-till", "--target", "old")
    assert (drifted.returncode, drifted.stdout.splitlines()[-1]) == (
        0,
        "old: everything is as it was deployed",
    )
    listed = json.loads(shop.run("history", "old-till", "--target", "old", "--json").stdout)
    assert [each["changes"] for each in listed["deployments"]] == [[]]
    tables = shop.folder / "old-till" / "src" / "old_till_datakit" / "tables.py"
    tables.write_text(tables.read_text().replace("Numeric(8, 2)", "Numeric(9, 2)"))
    again = shop.run("plan", "old_till_datakit", "--target", "old", PYTHONPATH=path)
    assert again.stdout.splitlines()[0] == "old-till 0.1.0 to old: 1 change"


def test_a_dry_run_writes_nothing(shop: Shop) -> None:
    done = shop.run("adopt", "old-till", "--target", "old", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "would adopt 3 tables:",
        "  other",
        "  till.item",
        "  till.sale",
        "left alone:",
        "  view till.sold",
        "Nothing was written or recorded.",
    ]
    assert not (shop.folder / "old-till").exists()
    assert shop.run("drift", "old-till", "--target", "old").returncode == 64


def test_json_says_the_same(shop: Shop) -> None:
    done = shop.run("adopt", "till", "--target", "old", "--schema", "till", "--folder", "here", "--json")
    found = json.loads(done.stdout)
    assert (found["datakit"], found["folder"]) == ("till", "here")
    assert found["tables"] == ["till.item", "till.sale"]
    assert found["left_alone"] == ["view till.sold"]
    assert found["deployment"]["changes"] == []
    assert Path(shop.folder / "here" / "src" / "till_datakit" / "tables.py").is_file()


def test_a_mistake_is_one_line(shop: Shop) -> None:
    assert shop.run("adopt", "till").stderr == (
        "error: there is no target to adopt\nhint: name one: --target NAME|URL\n"
    )
    unknown = shop.run("adopt", "till", "--target", "old", "--schema", "nope")
    assert (unknown.returncode, unknown.stderr) == (
        64,
        "error: target old has no schema 'nope'\nhint: it has public, till\n",
    )
    shop.run("adopt", "till", "--target", "old")
    there = shop.run("adopt", "till", "--target", "old")
    assert there.stderr == "error: till is there already; nothing was written\n"
    second = shop.run("adopt", "till", "--target", "old", "--folder", "second")
    assert (second.returncode, second.stderr.splitlines()) == (
        64,
        [
            "error: target old knows datakit 'till' already; nothing was written",
            "hint: datakit plan till shows what differs; adopt other tables under another name",
        ],
    )
    assert not (shop.folder / "second").exists()
