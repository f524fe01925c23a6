"""`datakit verify`, as somebody at a terminal sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Ask, Shop


@pytest.fixture(autouse=True)
def named(shop: Shop, database: Target) -> None:
    (shop.folder / "datakit.toml").write_text(f'target = "one"\n[targets.one]\nurl = "{database.url}"\n')
    assert shop.run("run", "shop_datakit").returncode == 0


def test_what_agrees_is_a_table_and_exit_code_0(shop: Shop) -> None:
    done = shop.run("verify", "shop_datakit")
    assert (done.returncode, done.stderr) == (0, "")
    assert "│bronze │ items │      3 │      3 │        0 │      0 │      1 │      0 │ agrees │" in done.stdout
    assert "shop in one: of 2 loads 2 agree, 0 differ, 0 cannot be verified (" in done.stdout


def test_what_differs_is_named_chunk_by_chunk_and_exit_code_65(
    shop: Shop, database: Target, ask: Ask
) -> None:
    ask(database, "UPDATE shop.item SET price = 2 WHERE code = 'salt'")
    done = shop.run("verify", "shop_datakit", "--chunk-rows", "1")
    assert done.returncode == 65
    assert "silver items: chunks that differ, by code:\n" in done.stdout
    assert "│    2 │ salt │ salt │ 1 rows, " in done.stdout.replace("│2", "│    2").replace(
        "    2 ", "    2 "
    )
    assert done.stderr.startswith("error: datakit 'shop' differs from its sources in one: silver items\n")


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
    done = shop.run("verify", "shop_datakit")
    assert (done.returncode, done.stderr) == (0, "")
    assert "ERRORLINE" in done.stdout
    assert "of 2 loads 1 agree, 0 differ, 1 cannot be verified (" in done.stdout
    found = json.loads(shop.run("verify", "shop_datakit", "--json").stdout)
    assert [each["status"] for each in found["loads"]] == ["not verified", "agrees"]
    assert "items.csv cannot be opened" in found["loads"][0]["reason"]


def test_loads_are_chosen_by_name(shop: Shop) -> None:
    done = shop.run("verify", "shop_datakit", "--load", "nothing")
    assert (done.returncode, done.stderr) == (
        64,
        "error: datakit 'shop' has no load 'nothing'\nhint: its loads are items\n",
    )
