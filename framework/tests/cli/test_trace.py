"""`datakit trace`, as somebody at a terminal sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Ask, Shop


@pytest.fixture(autouse=True)
def loaded(shop: Shop, database: Target) -> None:
    (shop.folder / "datakit.toml").write_text(f'target = "one"\n[targets.one]\nurl = "{database.url}"\n')
    assert shop.run("run", "shop_datakit").returncode == 0


def labelled(output: str) -> dict[str, str]:
    return {line[:10].rstrip(): line[10:] for line in output.splitlines()}


def test_a_row_leads_to_its_load_and_run(shop: Shop, database: Target, ask: Ask) -> None:
    ((run_id, fingerprint),) = ask(database, "SELECT run_id, fingerprint FROM datakit.run")
    done = shop.run("trace", "shop_datakit", "shop.item", "code=tea")
    assert (done.returncode, done.stderr) == (0, "")
    found = labelled(done.stdout)
    assert found["target"] == "one"
    assert found["load"] == "silver.items"
    assert found["run"] == f"{run_id}, succeeded"
    assert found["datakit"] == f"shop 1.0, {fingerprint}"
    assert found["image"] == "none was told"
    assert found["asked by"] == "nobody told"


def test_a_run_that_an_orchestrator_asked_for_names_its_task(shop: Shop, database: Target, ask: Ask) -> None:
    ((run_id,),) = ask(database, "SELECT run_id FROM datakit.run")
    by = {"system": "airflow", "workflow": "w", "workflow_run": "monday", "task": "t[2]", "attempt": 3}
    ask(database, "UPDATE datakit.run SET requested_by = CAST(:by AS jsonb)", by=json.dumps(by))
    done = shop.run("trace", "shop_datakit", "--run", str(run_id))
    assert done.returncode == 0
    found = labelled(done.stdout)
    assert [found[name] for name in ("asked by", "workflow", "its run", "task", "attempt")] == [
        "airflow",
        "w",
        "monday",
        "t[2]",
        "3",
    ]
    as_json = json.loads(shop.run("trace", "shop_datakit", "--run", str(run_id), "--json").stdout)
    assert as_json["requested_by"] == by
    assert (as_json["run_id"], as_json["target"]) == (str(run_id), "one")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: what is to be traced?\nhint: name a row, TABLE COLUMN=VALUE, or --run ID\n"),
        (("shop.item", "tea"), "error: 'tea' names no value\nhint: write COLUMN=VALUE\n"),
        (
            ("shop.item", "code=gold"),
            "error: shop.item has no row with code=gold\nhint: name the key of one ",
        ),
    ],
)
def test_what_cannot_be_traced_is_one_clear_line(
    shop: Shop, arguments: tuple[str, ...], message: str
) -> None:
    done = shop.run("trace", "shop_datakit", *arguments)
    assert done.returncode not in (0, 70)
    assert done.stderr.startswith(message)
