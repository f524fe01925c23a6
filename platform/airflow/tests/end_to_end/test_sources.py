"""The same datakit reads one system here and another one there, as the declaration says."""

from __future__ import annotations

from collections.abc import Callable

from kit.orchard import instance, states, xcom
from kit.processes import Processes, Warehouse


def test_a_source_that_is_named_is_the_connection_that_the_declaration_gives(
    processes: Processes, make_warehouse: Callable[[], Warehouse]
) -> None:
    for number in (1, 2):
        till, warehouse = make_warehouse(), make_warehouse()
        till.query(f"CREATE TABLE sale AS SELECT {number} AS number, 10 AS price")
        text = f"sources: {{till: {till.name}}}\n"
        run = processes.declare(f"reading_{number}", "till", text, target=warehouse.name).test()

        assert states(run) == dict.fromkeys(("pin", "deploy", "bronze.sales"), "success")
        assert warehouse.query("SELECT number, source_system FROM till.sale") == [(str(number), "till")]


def test_a_source_that_nobody_gives_fails_at_once(processes: Processes, warehouse: Warehouse) -> None:
    run = processes.declare("reading_none", "till", "retries: 3\n", target=warehouse.name).test()

    assert states(run) == {"pin": "success", "deploy": "success", "bronze.sales": "failed"}
    assert instance(run, "bronze.sales").try_number == 1
    assert xcom(run, "bronze.sales")["error"]["message"] == "there is no target 'till'"
