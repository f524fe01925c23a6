"""A DagRun keeps to what it was started with, also after the declaration moved on."""

from __future__ import annotations

import pytest
from kit.described import described, write
from kit.home import DAGS
from kit.orchard import Orchard, clear, go_on, instance, states, xcom

NOTHING_ELSE = "deploy: none\ncheck: false\n"
EMPTY = described(checks=())


def test_a_cleared_dag_run_keeps_its_pins_and_a_new_one_gets_new_ones(orchard: Orchard) -> None:
    write(EMPTY, DAGS)
    dag = orchard.declare("pinned", NOTHING_ELSE)
    run = orchard.begin(dag)
    go_on(dag, run)
    before = xcom(run, "pin")

    write(EMPTY.model_copy(update={"fingerprint": "e" * 64, "version": "2.0"}), DAGS)
    moved_on = orchard.declare("pinned", NOTHING_ELSE + "retries: 5\n")
    clear(run)
    go_on(moved_on, run)
    again = orchard.begin(moved_on)
    go_on(moved_on, again)

    assert (before["version"], before["fingerprint"]) == ("1.0", "f" * 64)
    assert instance(run, "pin").try_number == 2
    assert xcom(run, "pin") == before
    assert xcom(again, "pin")["version"] == "2.0"
    assert xcom(again, "pin")["declaration"] != before["declaration"]


def test_an_airflow_that_would_forget_them_is_refused(
    orchard: Orchard, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(EMPTY, DAGS)
    dag = orchard.declare("forgetful", NOTHING_ELSE)
    run = orchard.begin(dag)
    monkeypatch.setenv("AIRFLOW__STATE_STORE__CLEAR_ON_SUCCESS", "True")
    go_on(dag, run)

    assert states(run) == {"pin": "failed"}
    assert instance(run, "pin").try_number == 1
