"""`datakit describe`: the same bytes each time, on standard output or in a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlmodel_framework.runs.description import read_description

if TYPE_CHECKING:
    from conftest import Shop


def test_a_datakit_is_described_without_a_database(shop: Shop) -> None:
    done = shop.run("describe", "shop_datakit")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert (found["format"], found["name"], found["version"]) == (1, "shop", "1.0")
    assert [(load["id"], load["reads"], load["kind"]) for load in found["loads"]] == [
        ("bronze.items", [], "outside"),
        ("silver.items", ["shop_bronze.raw_item"], "table"),
    ]
    assert found["checks"] == ["prices"]


def test_the_same_datakit_gives_the_same_bytes(shop: Shop) -> None:
    first = shop.run("describe", "shop_datakit", PYTHONHASHSEED="1").stdout
    done = shop.run("describe", "shop_datakit", "--output", "shop.json", PYTHONHASHSEED="2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (shop.folder / "shop.json").read_text() == first
    described = read_description(shop.folder / "shop.json")
    assert described.load_order() == ["bronze.items", "silver.items"]


def test_loads_that_wait_for_one_another_are_refused(shop: Shop) -> None:
    module = shop.folder / "shop_datakit.py"
    circle = (
        '        Load(table=RawItem, name="more", layer="bronze",\n'
        '             source=CsvSource(open=open_items, name="more.csv", system="till")),\n'
        "    ),\n    checks="
    )
    module.write_text(
        module.read_text()
        .replace("    ),\n    checks=", circle)
        .replace(
            "    code: str | None = Field(default=None, sa_type=Text)\n",
            '    code: str | None = Field(default=None, sa_type=Text, foreign_key="shop.item.code")\n',
        )
    )
    done = shop.run("describe", "shop_datakit")
    assert done.returncode == 64
    assert done.stdout == ""
    assert (
        "loads wait for one another: bronze.items waits for silver.items waits for bronze.items"
        in done.stderr
    )


def test_a_file_that_cannot_be_written_is_named(shop: Shop) -> None:
    done = shop.run("describe", "shop_datakit", "--output", "nowhere/shop.json")
    assert done.returncode == 64
    assert done.stderr == "error: nowhere/shop.json cannot be written: No such file or directory\n"
