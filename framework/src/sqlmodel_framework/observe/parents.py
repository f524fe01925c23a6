"""The run that a run belongs to, as an orchestrator hands it on in the environment."""

from __future__ import annotations

import logging
import os

from pydantic import ValidationError

from ..runs.spec import ParentRun

__all__ = ["PARENT_VARIABLE", "ROOT_VARIABLE", "parent_from_environment"]

PARENT_VARIABLE = "OPENLINEAGE_PARENT_ID"
ROOT_VARIABLE = "OPENLINEAGE_ROOT_PARENT_ID"

_log = logging.getLogger(__name__)


def parent_from_environment(variable: str = PARENT_VARIABLE) -> ParentRun | None:
    """The run that a variable names, as `namespace/job/run id`; None where it names none."""
    text = os.environ.get(variable)
    if not text:
        return None
    # A namespace may be a URL, so the first slash need not be its end.
    namespace, job, run_id = ("", "", *text.rsplit("/", 2))[-3:]
    try:
        return ParentRun.model_validate({"namespace": namespace, "job": job, "run_id": run_id})
    except ValidationError:
        _log.warning("%s is not namespace/job/run id, so no run is taken for the parent", variable)
        return None
