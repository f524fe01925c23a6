"""DAGs run task by task in a real Airflow, each step as a process."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit.orchard import PASSWORD, Orchard, clear, go_on, instance, states, xcom

LOADS_ONLY = "deploy: none\ncheck: false\n"
ONE_CONTAINER = LOADS_ONLY + "groups: {all: [bronze.orders, bronze.items, silver.sales]}\n"


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


@pytest.mark.parametrize(("behaviour", "tries"), [("garbage", 1), ("exit", 1), ("die", 2)])
def test_a_step_that_reports_nothing_is_never_green(orchard: Orchard, behaviour: str, tries: int) -> None:
    orchard.behave(load=[behaviour, behaviour])

    run = orchard.declare(f"silent_{behaviour}", ONE_CONTAINER + "retries: 1\n").test()

    assert states(run)["all"] == "failed"
    assert instance(run, "all").try_number == tries


def test_a_missing_connection_fails_at_once(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WAREHOUSE")

    run = orchard.declare("unconnected", ONE_CONTAINER).test()

    assert states(run)["all"] == "failed"
    assert instance(run, "all").try_number == 1
    assert orchard.asked() == []


def test_a_dag_run_can_be_asked_for_a_window_of_its_own(orchard: Orchard) -> None:
    window = {"start": "2024-03-01T00:00:00Z", "end": "2024-03-08T00:00:00Z"}
    dag = orchard.declare("asked", ONE_CONTAINER)
    go_on(dag, orchard.begin(dag, window=window))

    [spec] = orchard.asked()
    assert spec["window"] == window


def test_a_window_that_is_none_is_not_tried_again(orchard: Orchard) -> None:
    dag = orchard.declare("misasked", ONE_CONTAINER)
    run = orchard.begin(dag, window={"start": "yesterday"})
    go_on(dag, run)

    assert states(run)["all"] == "failed"
    assert instance(run, "all").try_number == 1


def test_a_table_s_change_tells_who_changed_it_and_how_much(orchard: Orchard) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    run = orchard.declare("told", ONE_CONTAINER).test()

    with create_session() as session:
        events = session.query(AssetEvent).filter_by(source_run_id=run.run_id).all()
        told = {event.asset.name: event.extra for event in events}
    [run_id] = orchard.run_ids()
    assert sorted(told) == ["warehouse/bronze.items", "warehouse/bronze.orders", "warehouse/silver.sales"]
    assert told["warehouse/silver.sales"] == {
        "run_id": run_id,
        "image_digest": None,
        "read": 3,
        "written": 2,
        "rejected": 1,
        "repeated": False,
    }


def test_tables_of_dbt_tell_of_their_change_and_one_that_was_not_made_fails(orchard: Orchard) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session

    (orchard.folder / "dbt-runner").symlink_to(orchard.folder / "sqlmodel-runner")
    orchard.behave(build=[{"made": ["gold.totals", "gold.days"]}, {"made": ["gold.days"]}])
    dag = orchard.declare("modelled", ONE_CONTAINER + "retries: 1\ndbt: {tables: gold.totals}\n")
    run = dag.test()
    with create_session() as session:
        [event] = session.query(AssetEvent).filter_by(source_run_id=run.run_id, source_task_id="dbt_build")
        assert (event.asset.name, event.extra["written"]) == ("warehouse/gold.totals", 5)

    clear(run, "dbt_build")
    go_on(dag, run)
    assert states(run)["dbt_build"] == "failed"
    assert instance(run, "dbt_build").try_number == 2, "it would not be made by another try either"
    with create_session() as session:
        assert (
            session.query(AssetEvent).filter_by(source_run_id=run.run_id, source_task_id="dbt_build").count()
            == 1
        )


def test_a_run_knows_the_task_that_it_belongs_to_where_lineage_is_told(
    orchard: Orchard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OPENLINEAGE__TRANSPORT", '{"type": "console"}')

    orchard.declare("lined", ONE_CONTAINER).test()

    [spec] = orchard.asked()
    assert spec["parent_run"]["job"] == "lined.all"
    assert spec["parent_run"]["namespace"] == "default"
