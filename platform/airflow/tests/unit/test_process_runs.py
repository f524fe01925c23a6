"""DAGs run task by task in a real Airflow, each step as a process."""

from __future__ import annotations

from pathlib import Path

from kit.orchard import PASSWORD, Orchard, clear, go_on, instance, states, xcom

LOADS_ONLY = "deploy: none\ncheck: false\n"


def test_every_step_runs_once_and_its_report_is_the_xcom(orchard: Orchard) -> None:
    run = orchard.declare("plain", "").test()

    assert set(states(run).values()) == {"success"}
    assert [one["step"] for one in orchard.asked()] == ["deploy", "load", "load", "load", "check"]
    report = xcom(run, "silver.sales")
    assert report["status"] == "succeeded"
    assert report["run_id"] == orchard.run_ids()[-1]


def test_a_retry_keeps_its_run_id(orchard: Orchard) -> None:
    orchard.behave(load=["outage", "outage"])

    run = orchard.declare("retried", LOADS_ONLY + "groups: layer\nretries: 2\n").test()

    assert states(run)["bronze"] == "success"
    first, second, third, silver = orchard.run_ids()
    assert first == second == third != silver


def test_a_cleared_task_begins_a_new_run_over_the_same_window(orchard: Orchard) -> None:
    dag = orchard.declare("cleared", "schedule: '@daily'\n" + LOADS_ONLY)
    run = dag.test()
    clear(run, "bronze.orders")
    go_on(dag, run)

    of_orders = [one for one in orchard.asked() if one["parameters"].get("loads") == ["bronze.orders"]]
    assert len({one["run_id"] for one in of_orders}) == 2
    assert of_orders[0]["window"] == of_orders[1]["window"] != None  # noqa: E711
    assert len(orchard.run_ids()) == 4


def test_a_retry_keeps_its_run_id_though_another_task_was_cleared_meanwhile(orchard: Orchard) -> None:
    dag = orchard.declare("meanwhile", LOADS_ONLY + "groups: layer\nretries: 3\n")
    run = dag.test()
    clear(run, "silver")
    orchard.behave(load=["outage"])
    before = len(orchard.run_ids())
    go_on(dag, run, rounds=1)
    clear(run, "bronze")
    go_on(dag, run)

    first, *others, second = orchard.run_ids()[before:]
    assert first == second not in others
    assert states(run) == {"pin": "success", "bronze": "success", "silver": "success"}


def test_a_broken_contract_fails_at_once_and_says_why(orchard: Orchard) -> None:
    orchard.behave(load=["break_contract"])

    run = orchard.declare("broken", LOADS_ONLY + "groups: layer\nretries: 3\n").test()

    assert states(run)["bronze"] == "failed"
    assert instance(run, "bronze").try_number == 1
    assert xcom(run, "bronze")["error"]["message"] == "3 rows have no price"
    assert states(run)["silver"] == "upstream_failed"


def test_the_password_is_in_a_file_that_is_gone_and_nowhere_else(orchard: Orchard) -> None:
    run = orchard.declare("secret", LOADS_ONLY + "groups: layer\n").test()

    assert (orchard.folder / "password").read_text() == PASSWORD
    assert (orchard.folder / "mode").read_text() == "0o400"
    assert list((orchard.dags / "secrets").iterdir()) == []
    assert PASSWORD not in (orchard.folder / "runs.jsonl").read_text()
    home = Path(orchard.dags).parent
    for path in [*home.rglob("*.log"), home / "airflow.db"]:
        assert PASSWORD.encode() not in path.read_bytes(), path
    assert states(run)["silver"] == "success"
