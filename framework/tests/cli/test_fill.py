"""`datakit fill`, as somebody at a terminal sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Ask, Shop


def test_every_table_gets_rows_in_a_folder(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    done = shop.run("fill", "shop_datakit", "--rows", "1200", "--folder", str(folder), "--progress", "none")
    assert (done.returncode, done.stderr) == (0, "")
    assert "2,400 rows loaded in " in done.stdout
    query = "SELECT count(*) AS n, count(DISTINCT code) AS codes, min(price) >= 0 AS good FROM shop.item"
    found = shop.run("query", query, "--json", "--folder", str(folder))
    assert json.loads(found.stdout) == {"n": 1200, "codes": 1200, "good": True}


def test_the_same_seed_makes_the_same_rows(shop: Shop, database: Target, ask: Ask) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    found = []
    for seed in ("1", "2", "1"):
        ask(database, "DROP SCHEMA IF EXISTS shop, shop_bronze, datakit CASCADE")
        done = shop.run(
            "fill",
            "shop_datakit",
            "--rows",
            "5",
            "--seed",
            seed,
            "--target",
            url,
            "--json",
            PYTHONHASHSEED=seed,
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [(line["table"], line["loaded"]) for line in lines] == [
            ("shop.item", 5),
            ("shop_bronze.raw_item", 5),
        ]
        found.append(ask(database, "SELECT code, price FROM shop.item ORDER BY code"))
    assert found[0] == found[2] != found[1]


def test_a_dry_run_touches_no_database(shop: Shop) -> None:
    done = shop.run(
        "fill", "shop_datakit", "--rows", "7", "--dry-run", "--target", "postgresql://nowhere.invalid/d"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "shop.item: 7 rows\nshop_bronze.raw_item: 7 rows\nNothing was loaded.\n"
    done = shop.run("fill", "shop_datakit", "--rows", "7", "--dry-run", "--json")
    assert [json.loads(line)["rows"] for line in done.stdout.splitlines()] == [7, 7]


def test_what_cannot_be_made_up_is_one_clear_line(shop: Shop) -> None:
    (shop.folder / "strict_datakit.py").write_text(
        "from sqlmodel import Field\n"
        "from sqlmodel_framework import BaseMixin, Datakit, column\n"
        "class Odd(BaseMixin, table=True):\n"
        "    id: int = Field(primary_key=True)\n"
        "    code: str = column(check='code = reverse(code)')\n"
        "datakit = Datakit(name='strict', version='1', tables=(Odd,))\n"
    )
    done = shop.run("fill", "strict_datakit", "--rows", "7")
    assert (done.returncode, done.stdout) == (64, "")
    assert done.stderr == (
        "error: odd.code: no value can be made up: the check odd_code_check is more than bounds: "
        "code = reverse(code)\n"
        "hint: pass a value for all rows, or a callable for each: code=lambda row, random: ...\n"
    )
