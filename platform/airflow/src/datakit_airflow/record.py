"""What a DagRun deployed, in one place: of which datakit, with which images, by which plans.

The task that deploys keeps it in its task state store. Airflow shows that beside the task's XComs, and a
clearing leaves it alone: what is cleared is carried out again, and finds nothing more to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk.execution_time.context import NEVER_EXPIRE
from sqlmodel_framework.runs.report import RunReport

from .identity import StateStore
from .pins import Pins

__all__ = ["DEPLOYED", "Deployed", "remember_deployment"]

DEPLOYED = "datakit_deployed"
"""The key in the task state store."""


class Deployed(Pins):
    """What a DagRun keeps to, and what it did with it.

    Attributes:
        plans: hashes of the plans that were carried out, in order; none where there was nothing to change.
    """

    plans: tuple[str, ...] = ()


def remember_deployment(context: Mapping[str, Any], pins: Pins, report: RunReport) -> None:
    """Add a deployment that succeeded to what is remembered of the DagRun."""
    store: StateStore = context["task_state_store"]
    known = store.get(DEPLOYED)
    before = Deployed.model_validate(known).plans if known is not None else ()
    now = report.details.get("plan_hash")
    plans = (*before, str(now)) if now and now not in before else before
    store.set(
        DEPLOYED, Deployed(**pins.model_dump(), plans=plans).model_dump(mode="json"), retention=NEVER_EXPIRE
    )
