"""Tell OpenLineage of a run: one run of the datakit, and below it one for each load.

Where the events go is OpenLineage's own configuration: `OPENLINEAGE_URL`, `openlineage.yml` and the like.
Needs openlineage-python, which the wheel's extra `openlineage` brings.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    error_message_run,
    job_type_job,
    processing_engine_run,
    sql_job,
    tags_run,
)
from openlineage.client.facet_v2 import (
    parent_run as parent_facet,
)

from .. import __version__
from ..loading.load import Load
from ..loading.sources import QuerySource
from ..runs.events import (
    Checked,
    Event,
    LoadFailed,
    LoadFinished,
    LoadStarted,
    RunFailed,
    RunFinished,
    RunStarted,
)
from ..runs.spec import ParentRun
from ..targets.target import Target
from .harmless import without_url_secrets
from .lineage_facets import PRODUCER, checked_inputs, load_inputs, load_outputs
from .parents import ROOT_VARIABLE, parent_from_environment
from .reading import sql_of

__all__ = ["OpenLineageListener"]

_SECONDS_TO_DELIVER = 10.0


class OpenLineageListener:
    """Emits the events of one run, as `START` and then `COMPLETE` or `FAIL`.

    A retry is the same run for OpenLineage too. Of a load that an earlier attempt has done, and of a run that
    had succeeded before, no rows are told again.

    Args:
        parent_run: the run that this one belongs to; by default what `OPENLINEAGE_PARENT_ID` names.
        client: emits the events; by default one that OpenLineage's own configuration makes.
    """

    def __init__(
        self, *, parent_run: ParentRun | None = None, client: OpenLineageClient | None = None
    ) -> None:
        self._client = OpenLineageClient() if client is None else client
        self._namespace = os.environ.get("OPENLINEAGE_NAMESPACE", "default")
        self._parent = parent_run or parent_from_environment()
        self._root = parent_from_environment(ROOT_VARIABLE) or self._parent
        self._own: ParentRun | None = None
        self._checked: list[Checked] = []

    def __call__(self, event: Event) -> None:
        """Emit what the event means."""
        match event:
            case RunStarted():
                self._own = ParentRun(namespace=self._namespace, job=event.datakit.name, run_id=event.run_id)
                self._run(RunState.START)
            case LoadStarted():
                self._load(RunState.START, event)
            case LoadFinished():
                self._load(RunState.COMPLETE, event)
            case LoadFailed(error=error):
                self._load(RunState.FAIL, event, _error(error))
            case Checked():
                self._checked.append(event)
            case RunFinished(result=result):
                self._run(RunState.COMPLETE, _repeated() if result.repeated else {})
                self._client.close(_SECONDS_TO_DELIVER)
            case RunFailed(error=error):
                self._run(RunState.FAIL, _error(error))
                self._client.close(_SECONDS_TO_DELIVER)

    def _run(self, state: RunState, facets: dict[str, RunFacet] | None = None) -> None:
        if self._own is None:
            return
        self._emit(
            state,
            self._own.run_id,
            self._own.job,
            run_facets={**_parent(self._parent, self._root), **(facets or {})},
            job_facets=_job_type("DATAKIT"),
            inputs=checked_inputs(self._checked),
        )

    def _load(
        self,
        state: RunState,
        event: LoadStarted | LoadFinished | LoadFailed,
        facets: dict[str, RunFacet] | None = None,
    ) -> None:
        if self._own is None:
            return
        load, target = event.load, event.target
        done = event if isinstance(event, LoadFinished) else None
        name = f"{load.full_table_name}.{without_url_secrets(load.name)}"
        self._emit(
            state,
            # A retry finds it by itself.
            uuid5(self._own.run_id, f"{load.full_table_name}\n{load.name}"),
            f"{self._own.job}.{name}",
            run_facets={**_parent(self._own, self._root or self._own), **(facets or {})},
            job_facets=_job_type("LOAD") | _sql(load, target),
            inputs=load_inputs(load, target, done),
            outputs=load_outputs(load, target, done),
        )

    def _emit(
        self,
        state: RunState,
        run_id: UUID,
        job: str,
        *,
        run_facets: dict[str, RunFacet],
        job_facets: dict[str, JobFacet],
        inputs: list[InputDataset],
        outputs: list[OutputDataset] | None = None,
    ) -> None:
        engine = processing_engine_run.ProcessingEngineRunFacet(
            name="sqlmodel-framework", version=__version__, producer=PRODUCER
        )
        self._client.emit(
            RunEvent(
                eventType=state,
                eventTime=datetime.now(UTC).isoformat(),
                run=Run(str(run_id), facets={"processing_engine": engine, **run_facets}),
                job=Job(self._namespace, job, facets=job_facets),
                inputs=inputs,
                outputs=outputs or [],
                producer=PRODUCER,
            )
        )


def _parent(parent: ParentRun | None, root: ParentRun | None) -> dict[str, RunFacet]:
    if parent is None:
        return {}
    root = root or parent
    return {
        "parent": parent_facet.ParentRunFacet(
            run=parent_facet.Run(str(parent.run_id)),
            job=parent_facet.Job(parent.namespace, parent.job),
            root=parent_facet.Root(
                run=parent_facet.RootRun(str(root.run_id)),
                job=parent_facet.RootJob(root.namespace, root.job),
            ),
            producer=PRODUCER,
        )
    }


def _error(text: str) -> dict[str, RunFacet]:
    return {
        "errorMessage": error_message_run.ErrorMessageRunFacet(
            message=without_url_secrets(text), programmingLanguage="PYTHON", producer=PRODUCER
        )
    }


def _repeated() -> dict[str, RunFacet]:
    tag = tags_run.TagsRunFacetFields(key="repeated", value="true", source="sqlmodel-framework")
    return {"tags": tags_run.TagsRunFacet(tags=[tag], producer=PRODUCER)}


def _job_type(kind: str) -> dict[str, JobFacet]:
    return {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="SQLMODEL_FRAMEWORK", jobType=kind, producer=PRODUCER
        )
    }


def _sql(load: Load, target: Target) -> dict[str, JobFacet]:
    if not isinstance(load.source, QuerySource):
        return {}
    query: Any = load.source.statement
    return {
        "sql": sql_job.SQLJobFacet(query=sql_of(query, target), dialect=target.dialect, producer=PRODUCER)
    }
