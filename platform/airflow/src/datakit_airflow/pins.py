"""What a DagRun was started with: images and datakit are written down once, and used ever after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.execution_time.context import NEVER_EXPIRE
from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["PinOperator", "Pins", "pulled_pins"]

_KEY = "datakit_pins"


class Pins(BaseModel):
    """What a DagRun keeps to.

    Attributes:
        images: references of images by role; none where steps are processes.
        datakit: the datakit's name.
        version: the datakit's version.
        fingerprint: the fingerprint of the datakit's declarations.
        declaration: SHA-256 in hex over the DAG's declaration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: dict[str, str]
    datakit: str
    version: str
    fingerprint: str
    declaration: str


class PinOperator(BaseOperator):
    """Writes down what the DagRun is started with, unless it has been written down before.

    It is kept in the task state store, which a clearing leaves alone, where it empties XComs. The steps
    read it from this task's XCom.

    Args:
        pins: what the declaration says now.
    """

    ui_color = "#e8f0f2"

    def __init__(self, *, pins: Pins, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pins = pins

    def execute(self, context: Any) -> dict[str, Any]:
        """Returns what counts for this DagRun."""
        if conf.getboolean("state_store", "clear_on_success", fallback=False):
            raise AirflowFailException(
                "Airflow forgets what a task keeps as soon as it succeeds, so a DagRun could not keep to its "
                "images: set [state_store] clear_on_success = False"
            )
        store = context["task_state_store"]
        now = self.pins.model_dump(mode="json")
        kept = store.get(_KEY)
        if not isinstance(kept, dict):
            store.set(_KEY, now, retention=NEVER_EXPIRE)
            self.log.info("This DagRun keeps to %s", now)
            return now
        if kept != now:
            self.log.info(
                "The declaration has moved on; this DagRun keeps to what it was started with: %s", kept
            )
        return kept


def pulled_pins(context: Mapping[str, Any], task_id: str) -> Pins:
    """What the DagRun of this task keeps to.

    Raises:
        AirflowFailException: it is not known.
    """
    pulled = context["ti"].xcom_pull(task_ids=task_id)
    try:
        return Pins.model_validate(pulled)
    except ValidationError:
        raise AirflowFailException(
            f"the task {task_id!r} has not written down which images this DagRun keeps to: clear it first"
        ) from None
