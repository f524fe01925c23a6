"""`datakit verify`, as somebody at a terminal sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.loading.row_hash import row_hash

if TYPE_CHECKING:
    from conftest import Ask, Shop

GONE = "items.csv cannot be opened: No such file or directory"


@pytest.fixture(autouse=True)
def loaded(shop: Shop, database: Target) -> None:
    (shop.folder / "datakit.toml").write_text(f'target = "one"\n[targets.one]\nurl = "{database.url}"\n')
    module = shop.folder / "shop_datakit.py"
    module.write_text(module.read_text().replace('RawItem, name="items"', 'RawItem, name="raw"'))
    assert shop.run("run", "shop_datakit").returncode == 0


QUIET = ("--progress", "none")


def lines(output: str) -> list[list[str]]:
    """The lines of all tables, as their cells."""
    rows = [line.strip("│").split("│") for line in output.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in row] for row in rows]


def test_what_agrees_is_a_table_and_exit_code_0(shop: Shop) -> None:
    done = shop.run("verify", "shop_datakit", *QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert lines(done.stdout) == [
        ["bronze", "raw", "3", "3", "0", "0", "1", "0", "agrees"],
        ["silver", "items", "3", "3", "0", "0", "1", "0", "agrees"],
    ]
    assert "\nshop in one: of 2 loads 2 agree, 0 differ, 0 cannot be verified (" in done.stdout


def test_what_differs_is_named_chunk_by_chunk_and_exit_code_65(
    shop: Shop, database: Target, ask: Ask
) -> None:
    ask(database, "UPDATE shop.item SET price = 2 WHERE code = 'salt'")
    ask(database, "UPDATE shop_bronze.raw_item SET price = '2' WHERE code = 'tea'")
    done = shop.run("verify", "shop_datakit", "--load", "items", "--load", "raw", "--chunk-rows", "1", *QUIET)
    assert done.returncode == 65
    assert "\nbronze raw: rows of the target that are not as they were written: 1\n" in done.stdout
    assert "\nbronze raw: chunks that differ, by the order of the source:\n" in done.stdout
    assert "\nsilver items: chunks that differ, by code:\n" in done.stdout
    salt, new_salt, tea, new_tea = (
        row_hash(row)[:8].hex() for row in (("salt", "0.4"), ("salt", "2"), ("tea", "2.5"), ("tea", "2"))
    )
    assert lines(done.stdout)[2:] == [
        ["1", "1", "1", "1", tea, "0", "0" * 16, "1", "0", "0"],
        ["2", "salt", "salt", "1", salt, "1", new_salt, "0", "1", "0"],
        ["3", "tea", "tea", "1", new_tea, "1", tea, "0", "1", "0"],
    ]
    error = "error: datakit 'shop' differs from its sources in one: bronze raw; one: silver items\n"
    assert done.stderr.startswith(error)


def test_json_is_all_that_stdout_holds(shop: Shop, database: Target, ask: Ask) -> None:
    ask(database, "DELETE FROM shop.item WHERE code = 'milk'")
    done = shop.run("verify", "shop_datakit", "--chunk-rows", "2", "--json")
    assert done.returncode == 65
    found = json.loads(done.stdout)
    assert (found["datakit"], found["target"], found["differs"]) == ("shop", "one", True)
    bronze, silver = found["loads"]
    assert (bronze["status"], bronze["source_rows"], bronze["differences"]) == ("agrees", 3, [])
    assert (silver["status"], silver["key"], silver["chunks"]) == ("differs", ["code"], 2)
    (difference,) = silver["differences"]
    assert (difference["first"], difference["last"], difference["missing"]) == (["milk"], ["salt"], 1)


def test_what_cannot_be_verified_is_one_line_each(shop: Shop) -> None:
    shop.csv.unlink()
    done = shop.run("verify", "shop_datakit", *QUIET)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\nbronze raw cannot be verified: {GONE}\n" in done.stdout
    assert "\nshop in one: of 2 loads 1 agree, 0 differ, 1 cannot be verified (" in done.stdout
    found = json.loads(shop.run("verify", "shop_datakit", "--json").stdout)
    assert [(each["status"], each["reason"]) for each in found["loads"]] == [
        ("not verified", GONE),
        ("agrees", None),
    ]


def test_where_nothing_can_be_verified_the_exit_code_is_not_0(shop: Shop) -> None:
    shop.csv.unlink()
    done = shop.run("verify", "shop_datakit", "--load", "raw", *QUIET)
    assert (done.returncode, done.stderr) == (
        64,
        f"error: datakit 'shop': no load could be verified\nhint: {GONE}\n",
    )


def test_a_source_that_is_not_there_now_is_worth_a_retry(shop: Shop) -> None:
    module = shop.folder / "shop_datakit.py"
    source = 'CsvSource(open=open_items, name="items.csv", system="till")'
    away = 'DatabaseSource(target=Target("postgresql://nowhere.invalid/x", name="away"), table="t")'
    text = module.read_text().replace("TableSource,", "TableSource, DatabaseSource, Target,")
    module.write_text(text.replace(source, away))
    done = shop.run("verify", "shop_datakit", *QUIET)
    assert done.returncode == 69
    assert "\nbronze raw cannot be verified: target away cannot be reached" in done.stdout
    assert done.stderr.startswith("error: target away cannot be reached")


def test_a_load_that_is_not_there_is_one_line(shop: Shop) -> None:
    done = shop.run("verify", "shop_datakit", "--load", "nothing", *QUIET)
    assert (done.returncode, done.stderr) == (
        64,
        "error: datakit 'shop' has no load 'nothing'\nhint: its loads are raw, items\n",
    )


def test_progress_is_on_standard_error(shop: Shop) -> None:
    done = shop.run("verify", "shop_datakit")
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [(event["table"], event["number"]) for event in events if event["event"] == "load started"] == [
        ("raw", 1),
        ("items", 2),
    ]
    bar = shop.run("verify", "shop_datakit", "--progress", "rich")
    assert "silver items" in bar.stderr
