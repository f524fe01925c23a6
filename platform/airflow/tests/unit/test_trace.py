"""From a run's id back to the task that began it, as Airflow's own API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast
from uuid import UUID

import httpx
import pytest
from datakit_airflow.trace import Origin, find_origin
from kit.orchard import Orchard, clear, go_on
from sqlmodel_framework.errors import TerminalError, UnavailableError

ONE_CONTAINER = (
    "deploy: none\ncheck: false\ngroups: {all: [bronze.orders, bronze.items, silver.sales]}\nretries: 1\n"
)


@pytest.fixture
def api(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    from airflow.api_fastapi.app import create_app
    from fastapi.testclient import TestClient

    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    with TestClient(create_app("core")) as client:
        yield cast(httpx.Client, client)


def test_a_run_is_found_by_its_id_also_when_its_task_was_cleared_since(
    orchard: Orchard, api: httpx.Client
) -> None:
    orchard.behave(load=["outage"])
    dag = orchard.declare("traced", ONE_CONTAINER)
    run = dag.test()
    clear(run, "all")
    go_on(dag, run)

    first, retried, cleared = (UUID(one) for one in orchard.run_ids())
    assert first == retried != cleared
    expected = Origin("traced", run.run_id, "all", -1, 1, {})
    assert find_origin(api, first) == expected
    assert find_origin(api, cleared, dag_id="traced").first_try == 3


def test_a_run_of_something_else_is_not_found(api: httpx.Client) -> None:
    with pytest.raises(TerminalError, match="no task that Airflow knows began the run"):
        find_origin(api, UUID(int=0))


def test_an_airflow_that_does_not_answer_is_unavailable() -> None:
    with httpx.Client(base_url="http://127.0.0.1:9") as client, pytest.raises(UnavailableError):
        find_origin(client, UUID(int=0))
