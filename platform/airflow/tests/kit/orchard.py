"""An Airflow in which DAGs run, task by task, in this process; and runners that do as they are told."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.sdk import DAG
from airflow.sdk.definitions.dag import _run_task
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select

PROGRAM = Path(__file__).parent / "program.py"
CONNECTION = "warehouse"
PASSWORD = "s3cret-Kiwi/@"


@dataclass(frozen=True)
class Orchard:
    """A folder that Airflow reads DAGs from, with a datakit's description in it.

    Attributes:
        dags: the folder.
        folder: where the runner finds how to behave, and writes down what it was asked.
    """

    dags: Path
    folder: Path

    def behave(self, **behaviours: list[Any]) -> None:
        """Tell each step how its next tries go; those without a word succeed."""
        (self.folder / "behaviours.json").write_text(json.dumps(behaviours))

    def declare(self, dag_id: str, text: str, datakit: str = "shop") -> DAG:
        """Write a declaration and a DAG file, and read the DAG as Airflow does."""
        (self.dags / f"{dag_id}.yaml").write_text(
            f"dag_id: {dag_id}\ndatakit: {datakit}.json\ntarget: {CONNECTION}\nretry_delay: 0\n{text}"
        )
        file = self.dags / f"{dag_id}.py"
        file.write_text(
            "from pathlib import Path\nfrom datakit_airflow import DatakitDag\n"
            "dag = DatakitDag(Path(__file__).with_suffix('.yaml'))\n"
        )
        return self.read(file, dag_id)

    def read(self, file: Path, dag_id: str) -> DAG:
        """The DAG of a file."""
        from airflow.dag_processing.dagbag import BundleDagBag

        bag = BundleDagBag(dag_folder=file, bundle_path=self.dags, bundle_name="dags-folder")
        assert not bag.import_errors, bag.import_errors
        found: DAG = bag.dags[dag_id]
        return found

    def begin(self, dag: DAG, **conf: Any) -> DagRun:
        """A DagRun in which nothing has run yet."""
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
        from airflow.models.dagrun import get_or_create_dagrun
        from airflow.serialization.serialized_objects import DagSerialization
        from airflow.utils.types import DagRunTriggeredByType

        now = datetime.now(UTC)
        with create_session() as session:
            manager: Any = DagBundlesManager
            manager().sync_bundles_to_db(session=session)
        bag = BundleDagBag(dag_folder=self.dags, bundle_path=self.dags, bundle_name="dags-folder")
        sync_bag_to_db(bag, "dags-folder", None)
        with create_session() as session:
            return get_or_create_dagrun(
                dag=DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag)),
                run_id=f"manual__{now.isoformat()}",
                logical_date=now,
                data_interval=None,
                run_after=now,
                conf=conf,
                triggered_by=DagRunTriggeredByType.TEST,
                triggering_user_name="somebody",
                start_date=now,
                session=session,
            )

    def asked(self) -> list[dict[str, Any]]:
        """The specifications of all runs so far."""
        path = self.folder / "runs.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def run_ids(self, step: str = "load") -> list[str]:
        """The ids of all runs of a step so far."""
        return [one["run_id"] for one in self.asked() if one["step"] == step]


def _again(run: DagRun, session: Any) -> DagRun:
    """The DagRun as it stands in the database now."""
    found = session.scalar(select(DagRun).filter_by(dag_id=run.dag_id, run_id=run.run_id))
    assert isinstance(found, DagRun)
    return found


def states(run: DagRun) -> dict[str, str | None]:
    """The state of each task of a DagRun."""
    with create_session() as session:
        found = _again(run, session).get_task_instances(session=session)
        return {one.task_id: one.state and str(one.state) for one in found}


def instance(run: DagRun, task_id: str) -> TaskInstance:
    """A task of a DagRun."""
    with create_session() as session:
        found = _again(run, session).get_task_instance(task_id, session=session)
        assert found is not None
        return found


def xcom(run: DagRun, task_id: str, key: str = "return_value") -> Any:
    """What a task of a DagRun left behind."""
    from airflow.models.xcom import XComModel

    with create_session() as session:
        query = XComModel.get_many(key=key, run_id=run.run_id, task_ids=task_id, dag_ids=run.dag_id)
        found: Any = session.scalars(query).first()
        return (
            None
            if found is None
            else json.loads(found.value)
            if isinstance(found.value, str)
            else found.value
        )


def kept(run: DagRun, task_id: str, key: str) -> Any:
    """What a task of a DagRun keeps in its state store."""
    from airflow.models.task_state_store import TaskStateStoreModel

    with create_session() as session:
        named = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": task_id, "key": key}
        found = session.scalar(select(TaskStateStoreModel).filter_by(**named))
        return None if found is None else json.loads(found.value)


def clear(run: DagRun, *task_ids: str) -> None:
    """Clear tasks of a DagRun, or all, as a click does."""
    with create_session() as session:
        run = _again(run, session)
        chosen = [
            one for one in run.get_task_instances(session=session) if not task_ids or one.task_id in task_ids
        ]
        clear_task_instances(chosen, session, dag_run_state=DagRunState.RUNNING)


def go_on(dag: DAG, run: DagRun, *, rounds: int | None = None) -> None:
    """Run what there is to run, as `dag.test()` does, without making a DagRun of its own.

    Args:
        dag: the DAG.
        run: its DagRun.
        rounds: how often to look for what there is to run; by default until the end, or until a person
            is waited for.
    """
    from airflow.serialization.serialized_objects import DagSerialization

    with create_session() as session:
        run = _again(run, session)
        run.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        while run.state == DagRunState.RUNNING and rounds != 0:
            rounds = None if rounds is None else rounds - 1
            session.expire_all()
            schedulable, _ = run.update_state(session=session)
            for one in schedulable:
                one.try_number += 1
                one.state = TaskInstanceState.SCHEDULED
            session.commit()
            tasks = run.get_task_instances(session=session)
            scheduled = [one for one in tasks if one.state == TaskInstanceState.SCHEDULED]
            for one in scheduled:
                _run_task(ti=one, task=dag.task_dict[one.task_id])
            if not scheduled and any(one.state == TaskInstanceState.AWAITING_INPUT for one in tasks):
                return


def go_to(dag: DAG, run: DagRun, task_id: str) -> None:
    """Run a task of a DagRun whatever it waits for."""
    with create_session() as session:
        one = _again(run, session).get_task_instance(task_id, session=session)
        assert one is not None
        one.try_number += 1
        one.state = TaskInstanceState.SCHEDULED
        session.commit()
        _run_task(ti=one, task=dag.task_dict[task_id])


def answer(run: DagRun, task_id: str, option: str) -> dict[str, Any]:
    """Answer what a task asks, as somebody who clicks; returns what was asked."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent

    event: Any = TriggerEvent
    with create_session() as session:
        task = _again(run, session).get_task_instance(task_id, session=session)
        assert task is not None
        asked = session.get(HITLDetail, task.id)
        assert asked is not None
        asked.responded_by = {"id": "1", "name": "somebody"}
        asked.responded_at = datetime.now(UTC)
        asked.chosen_options = [option]
        handle_event_submit(event(asked.as_resume_event_payload()), task_instance=task, session=session)
        return {"subject": asked.subject, "body": asked.body, "options": asked.options}


def make_orchard(dags: Path, folder: Path) -> Orchard:
    """An orchard in these folders, with processes for steps."""
    script = folder / "sqlmodel-runner"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAM} "$@"\n')
    script.chmod(0o755)
    (dags / "datakit_airflow.toml").write_text(
        'execution = "process"\nsecrets_folder = "secrets"\nstop_grace = 5\n'
        f'[process]\nfolder = "{folder}"\n'
        f'environment = {{ KIT_FOLDER = "{folder}", PYTHONPATH = "{os.environ.get("PYTHONPATH", "")}" }}\n'
    )
    found = Orchard(dags, folder)
    found.behave()
    return found
