"""The step `verify` finds what somebody changed in a table behind the datakit's back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kit.orchard import clear, go_on, instance, states, xcom
from kit.processes import Processes, Warehouse


def test_a_table_that_was_changed_is_told_apart_from_one_that_was_not(
    processes: Processes, make_warehouse: Callable[[], Warehouse], capsys: pytest.CaptureFixture[str]
) -> None:
    till, warehouse = make_warehouse(), make_warehouse()
    till.query("CREATE TABLE sale (number integer PRIMARY KEY, price integer)")
    till.query("INSERT INTO sale SELECT n, 10 * n FROM generate_series(1, 5) n")
    text = f"sources: {{till: {till.name}}}\nverify: true\nretries: 3\n"
    dag = processes.declare("verified", "till", text, target=warehouse.name)
    run = dag.test()

    assert states(run) == dict.fromkeys(("pin", "deploy", "bronze.sales", "verify"), "success")
    assert xcom(run, "verify")["checks"] == [{"name": "verify bronze.sales", "offending": 0}]

    warehouse.query("UPDATE till.sale SET price = '31' WHERE number = '3'")
    warehouse.query("DELETE FROM till.sale WHERE number = '5'")
    clear(run, "verify")
    go_on(dag, run)

    assert states(run)["verify"] == "failed"
    assert instance(run, "verify").try_number == 2, "what broke a contract is not tried again"
    report = xcom(run, "verify")
    assert (report["exit_code"], report["error"]["class_name"]) == (65, "ContractError")
    differs = report["details"]["differences"]["bronze.sales"]
    [chunk] = differs["chunks"]
    assert (differs["altered"], chunk["source_rows"], chunk["missing"]) == (1, 5, 2)
    told = capsys.readouterr().out
    assert f"target {warehouse.name} differs from its sources in bronze.sales (" in told
