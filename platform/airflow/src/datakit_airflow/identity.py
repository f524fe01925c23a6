"""Which run a try of a task belongs to: a retry goes on with a run, a cleared task begins another one.

Airflow counts the tries of a task through retries and clearings alike, so the number of the try that
began a run names it, together with the task. Which try that was is kept in Airflow's task state store,
which outlives both. `clear_number` of a DagRun cannot tell: it also grows when another task is cleared,
and this one's retry would then take itself for a new run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID, uuid5

from airflow.sdk.execution_time.context import NEVER_EXPIRE
from pydantic import JsonValue

__all__ = ["StateStore", "begin_run", "note_success"]

_NAMESPACE = UUID("0f4d3c1a-5b0e-4a77-9c8e-3f5f6d2b7a10")
_KEY = "datakit_run"


class StateStore(Protocol):
    """What is remembered about a task of a DagRun, as Airflow's context offers it."""

    def get(self, key: str, default: JsonValue = None) -> JsonValue:
        """The value of a key."""

    def set(self, key: str, value: JsonValue, *, retention: Any = None) -> None:
        """Remember a value."""


def begin_run(context: Mapping[str, Any]) -> UUID:
    """The id of the run that this try belongs to.

    It is that of the last try, unless that one succeeded, or the task was cleared since: clearing gives a
    task more tries, and only that does.
    """
    ti = context["ti"]
    store: StateStore = context["task_state_store"]
    known = store.get(_KEY)
    first_try = int(ti.try_number)
    if isinstance(known, dict) and not known["succeeded"] and known["max_tries"] == ti.max_tries:
        first_try = int(known["first_try"])  # type: ignore[arg-type]
    _remember(store, ti, first_try, succeeded=False)
    index = -1 if ti.map_index is None else ti.map_index
    return uuid5(_NAMESPACE, "\n".join((ti.dag_id, ti.run_id, ti.task_id, str(index), str(first_try))))


def note_success(context: Mapping[str, Any]) -> None:
    """Remember that the run succeeded: the next try, if there is one, is another run."""
    store: StateStore = context["task_state_store"]
    known = store.get(_KEY)
    assert isinstance(known, dict)
    _remember(store, context["ti"], int(known["first_try"]), succeeded=True)  # type: ignore[arg-type]


def _remember(store: StateStore, ti: Any, first_try: int, *, succeeded: bool) -> None:
    content: JsonValue = {"first_try": first_try, "max_tries": int(ti.max_tries), "succeeded": succeeded}
    store.set(_KEY, content, retention=NEVER_EXPIRE)
