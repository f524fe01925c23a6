"""From a run's id, which rows and the ledger hold, back to the task that began the run.

The id is a hash over DagRun, task and try. So what Airflow knows of its tasks is gone through, newest first,
until one of their tries has this id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from sqlmodel_framework.errors import TerminalError, UnavailableError

from .identity import run_id_of

__all__ = ["Origin", "find_origin"]

_PAGE = 100


@dataclass(frozen=True)
class Origin:
    """Where a run comes from.

    Attributes:
        dag_id: the DAG.
        dag_run_id: the DagRun.
        task_id: the task.
        map_index: the index of a mapped task; -1 for one that is not.
        first_try: the try that began the run.
        images: the images that the DagRun keeps to, by role; empty where steps are processes.
    """

    dag_id: str
    dag_run_id: str
    task_id: str
    map_index: int
    first_try: int
    images: dict[str, str]


def find_origin(client: httpx.Client, run_id: UUID, *, dag_id: str = "~") -> Origin:
    """The task that began a run.

    Args:
        client: a client of Airflow's API, which knows its address and who asks.
        run_id: the run's id.
        dag_id: the DAG, when it is known; by default all are gone through.

    Raises:
        TerminalError: Airflow knows no task of this run, or does not let this client ask.
        UnavailableError: Airflow does not answer.
    """
    for task in _tasks(client, dag_id):
        for first_try in range(int(task["try_number"]), 0, -1):
            named = {
                "dag_id": task["dag_id"],
                "dag_run_id": task["dag_run_id"],
                "task_id": task["task_id"],
                "map_index": task["map_index"],
                "first_try": first_try,
            }
            if run_id_of(**named) == run_id:
                return Origin(**named, images=_images(client, task))
    raise TerminalError(
        f"no task that Airflow knows began the run {run_id}",
        hint="its DagRun was deleted, or the run was started by something else",
    )


def _tasks(client: httpx.Client, dag_id: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = _get(
            client,
            f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances",
            {"limit": _PAGE, "offset": offset, "order_by": "-start_date"},
        )
        found = page["task_instances"] if page else []
        yield from found
        offset += len(found)
        if len(found) < _PAGE:
            return


def _images(client: httpx.Client, task: dict[str, Any]) -> dict[str, str]:
    """What the DagRun's task `pin` wrote down; it is beside the task, or beside its group."""
    *groups, _ = task["task_id"].split(".")
    for depth in range(len(groups), -1, -1):
        pin = ".".join((*groups[:depth], "pin"))
        path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{pin}/xcomEntries"
        entry = _get(client, f"{path}/return_value", {"deserialize": True})
        if entry is not None and isinstance(entry.get("value"), dict):
            return {str(role): str(image) for role, image in entry["value"].get("images", {}).items()}
    return {}


def _get(client: httpx.Client, path: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    try:
        answer = client.get(path, params=parameters)
    except httpx.HTTPError as error:
        raise UnavailableError(f"Airflow at {client.base_url} does not answer: {error}") from None
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    if answer.is_server_error:
        raise UnavailableError(f"Airflow at {client.base_url} answers with {answer.status_code}")
    if answer.is_error:
        raise TerminalError(
            f"Airflow at {client.base_url} refuses the question with {answer.status_code}",
            hint="give a token of somebody who may read its DAGs",
        )
    content: dict[str, Any] = answer.json()
    return content
