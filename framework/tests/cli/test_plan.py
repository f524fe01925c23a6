"""`datakit plan`, `drift`, `history` and `rollback`, as somebody at a terminal sees them."""

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


def widen(shop: Shop, *, price: str = "float") -> None:
    """A newer version of the shop: items have a colour, and their price is of another type."""
    module = shop.folder / "shop_datakit.py"
    text = module.read_text().replace('version="1.0"', 'version="1.1"')
    text = text.replace(
        "    price: float = Field(ge=0)", f"    price: {price} = Field(ge=0)\n    colour: str | None = None"
    )
    module.write_text(text)


def test_a_plan_is_shown_and_nothing_is_changed(shop: Shop, database: Target, ask: Ask) -> None:
    done = shop.run("plan", "shop_datakit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "shop 1.0 to one: 5 changes"
    assert "  + create table shop.item (" in done.stdout
    assert ask(database, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('shop', 'datakit')") == [(0,)]


def test_a_plan_is_written_as_markdown_sql_and_json(shop: Shop) -> None:
    assert (
        "| new | create table | `shop.item` |" in shop.run("plan", "shop_datakit", "--as", "markdown").stdout
    )
    assert "CREATE TABLE shop.item (" in shop.run("plan", "shop_datakit", "--as", "sql").stdout
    found = json.loads(shop.run("plan", "shop_datakit", "--json").stdout)
    assert (found["datakit"], found["target"], len(found["changes"]), len(found["hash"])) == (
        "shop",
        "one",
        5,
        64,
    )


def test_a_saved_plan_is_applied_as_it_was_reviewed(shop: Shop, database: Target, ask: Ask) -> None:
    assert shop.run("plan", "shop_datakit", "--save", "plan.json").returncode == 0
    done = shop.run("deploy", "shop_datakit", "--plan", "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads((shop.folder / "plan.json").read_text())
    assert ask(database, "SELECT plan_hash FROM datakit.deployment") == [(found["sha256"],)]
    widen(shop)
    late = shop.run("deploy", "shop_datakit", "--plan", "plan.json")
    assert late.returncode == 64
    assert late.stderr.startswith(
        "error: datakit 'shop' declares something else than when the plan was made\n"
    )


def test_what_would_be_lost_is_refused_until_it_is_allowed(shop: Shop, database: Target, ask: Ask) -> None:
    shop.run("deploy", "shop_datakit")
    ask(
        database,
        "ALTER TABLE shop.item ADD note text; INSERT INTO shop.item (code, price, note) VALUES ('a', 1, 'x')",
    )
    refused = shop.run("deploy", "shop_datakit")
    assert refused.returncode == 65
    assert "nothing was changed, refused: drop column shop.item.note (loses 1 value)" in refused.stderr
    assert "--allow 'drop column shop.item.note'" in refused.stderr
    done = shop.run("deploy", "shop_datakit", "--allow", "drop column shop.item.note")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "drop column shop.item.note")


def test_drift_is_one_line_each_and_an_exit_code(shop: Shop, database: Target, ask: Ask) -> None:
    shop.run("deploy", "shop_datakit")
    good = shop.run("drift", "shop")
    assert (good.returncode, good.stdout) == (0, "one: everything is as it was deployed\n")
    ask(database, "ALTER TABLE shop.item ALTER COLUMN price DROP NOT NULL; CREATE TABLE shop.stray (a int)")
    bad = shop.run("drift", "shop")
    assert bad.returncode == 65
    assert bad.stdout.splitlines() == [
        "one: shop.item.price is nullable, deployed NOT NULL",
        "one: table shop.stray belongs to no datakit",
    ]
    assert bad.stderr.startswith("error: datakit 'shop' has drifted in one\n")
    assert json.loads(shop.run("drift", "shop", "--json").stdout)["drifted"] is True


def test_history_lists_deployments_and_rollback_goes_back(shop: Shop) -> None:
    shop.run("deploy", "shop_datakit")
    widen(shop)
    assert shop.run("deploy", "shop_datakit").returncode == 0
    listed = json.loads(shop.run("history", "shop", "--json").stdout)["deployments"]
    assert [each["version"] for each in listed] == ["1.0", "1.1"]
    assert "add column shop.item.colour" in listed[1]["changes"]
    shown = shop.run("history", "shop").stdout
    assert listed[0]["id"] in shown
    dry = shop.run("rollback", "shop", "--dry-run")
    assert "! drop column shop.item.colour (loses 0 values)" in dry.stdout
    done = shop.run("rollback", "shop", "--allow", "drop column shop.item.colour")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "drop column shop.item.colour")


def test_a_mistake_is_one_line(shop: Shop) -> None:
    for arguments in (("drift", "shop"), ("rollback", "shop")):
        done = shop.run(*arguments)
        assert done.returncode == 64
        assert done.stderr.startswith("error: target one has no record of a")
    unread = shop.run("deploy", "shop_datakit", "--plan", "none.json")
    assert unread.stderr == "error: the plan none.json cannot be read: No such file or directory\n"
    assert shop.run("history", "shop").stdout == "one: no deployment\n"
