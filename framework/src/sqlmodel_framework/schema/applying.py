"""Apply a plan: carry out its statements, and record what became of each object."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import MetaData
from sqlalchemy.engine import URL

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..base.tables import copied
from ..engines.registry import engine_for
from ..errors import PlanError, RefusedChangesError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .change import Phase
from .deployment import Deployment
from .names import split_name
from .plan import Plan
from .planning import Planned, plan_with
from .reconciling import without
from .record import objects_of, write_recorded

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["apply_plan", "carry_out"]


def apply_plan(
    plan: Plan,
    target: Target | URL | str,
    *,
    datakit: Datakit | str | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
    allow: Iterable[str] = (),
) -> Deployment:
    """Apply a plan that was made before, if its target and its datakit are still what they were then.

    Args:
        plan: the plan.
        target: a target, a name from `datakit.toml`, or a database URL.
        datakit: the datakit, or its name; by default found by the name in the plan.
        engine: an engine of your own, an instance or a class; by default the one for the URL's dialect.
        allow: the ids of changes that destroy something and are meant.

    Raises:
        PlanError: the target moved, or the datakit declares something else by now; nothing was changed.
        RefusedChangesError: a change destroys something and is not allowed; nothing was changed.
        LockedError: somebody else is deploying.
    """
    kit = find_datakit(plan.datakit if datakit is None else datakit)
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.locked("deploy"):
        with used.transaction():
            planned = plan_with(used, kit, plan)
        if planned.plan.fingerprint != plan.fingerprint:
            raise PlanError(
                f"datakit {kit.name!r} declares something else than when the plan was made", hint="plan again"
            )
        same = (planned.plan.base, planned.plan.changes) == (plan.base, plan.changes)
        if not same and not planned.plan.empty:
            raise PlanError(
                f"target {used.target.name} is not what it was when the plan was made",
                hint="plan again, and review what changed",
                target=used.target.name,
            )
        return carry_out(used, planned, frozenset(allow))


def carry_out(
    engine: BaseEngine, planned: Planned, allow: frozenset[str], *, approved: str | None = None
) -> Deployment:
    """Apply what was just planned over the same connection; the caller holds the lock.

    Args:
        engine: the engine, connected.
        planned: what to apply.
        allow: the ids of changes that destroy something and are meant.
        approved: the hash of a plan whose changes are all meant; of another plan than this one it means
            nothing.

    Raises:
        RefusedChangesError: a change destroys something and is not meant; nothing was changed.
    """
    started = time.perf_counter()
    plan = planned.plan
    if approved == plan.hash:
        allow |= {change.id for change in plan.changes}
    refused = plan.refused(allow)
    if refused:
        raise RefusedChangesError(
            engine.target.name,
            refused,
            plan_hash=plan.hash,
            approved=None if approved == plan.hash else approved,
        )
    deployment = _deployment(engine, planned)
    if plan.empty and not planned.ledger and planned.is_recorded:
        return replace(deployment, seconds=time.perf_counter() - started)
    segments = list(plan.segments())
    # The last transaction also records; after a statement outside of any, that takes one more.
    if not segments or segments[-1][0].alone:
        segments.append([])
    tables_due = engine.makes_tables_itself
    for number, segment in enumerate(segments, 1):
        if segment and segment[0].alone:
            engine.execute_alone(segment[0].sql)
            continue
        with engine.transaction():
            engine.limit_waiting()
            before = [step for step in segment if step.phase <= Phase.RENAMES]
            engine.execute_steps(before)
            if tables_due and (len(before) < len(segment) or number == len(segments)):
                _make_tables(engine, planned)
                tables_due = False
            engine.execute_steps(segment[len(before) :])
            if number == len(segments):
                deployment = replace(deployment, seconds=time.perf_counter() - started)
                _record(engine, planned, deployment)
    return deployment


def _make_tables(engine: BaseEngine, planned: Planned) -> None:
    missing = {c.name for c in planned.plan.changes if c.action == "create table"}
    if not missing:
        return
    schemas = [c.name for c in planned.plan.changes if c.action == "create schema"]
    if not engine.can_plan and schemas:
        engine.create_schemas(schemas)
    engine.remember(planned.reconciled.have)
    first = next(iter(planned.declared.tables.values()))
    metadata = MetaData(naming_convention=first.metadata.naming_convention)
    for table in planned.declared.tables.values():
        if table.metadata is first.metadata:
            copied(table, metadata)
    engine.create_tables(metadata)


def _record(engine: BaseEngine, planned: Planned, deployment: Deployment) -> None:
    """Make what the ledger lacks, and write down the deployment and every object of it."""
    if not engine.keeps_ledger:
        return
    from ..runs.ledger import ObjectRecord, record_deployment, table

    engine.execute_steps(planned.ledger)
    if planned.is_recorded:
        return
    record_deployment(engine.connection, deployment)
    live = engine.read_snapshot(planned.declared.scope)
    nobodys = frozenset(planned.reconciled.undeclared)
    shapes = {
        key: without(shape, key[1], nobodys) if key[0] == "table" else shape
        for key, shape in objects_of(live).items()
        if key in planned.declared.fingerprints
    }
    write_recorded(
        engine.connection,
        table(ObjectRecord),
        deployment.datakit,
        deployment.deployment_id,
        planned.declared.fingerprints,
        shapes,
        planned.recorded,
    )


def _deployment(engine: BaseEngine, planned: Planned) -> Deployment:
    plan = planned.plan
    made = {change.name for change in plan.changes if change.action == "create table"}
    schemas = {change.name for change in plan.changes if change.action == "create schema"}
    own_schemas = sorted(planned.declared.snapshot.schemas)
    tables = planned.declared.snapshot.tables
    return Deployment(
        datakit=plan.datakit,
        version=plan.version,
        fingerprint=plan.fingerprint,
        target=plan.target,
        created_schemas=tuple(name for name in own_schemas if name in schemas),
        existing_schemas=tuple(name for name in own_schemas if name not in schemas),
        created_tables=tuple(_shown(name) for name in tables if name in made),
        existing_tables=tuple(_shown(name) for name in tables if name not in made),
        seconds=0.0,
        changes=tuple(change.id for change in plan.changes),
        plan_hash=plan.hash if plan.changes else "",
        undeclared=plan.undeclared,
        deployed_by=_who(engine),
    )


def _shown(name: str) -> str:
    """A full name for people, as SQLAlchemy writes it: without quotes."""
    return ".".join(part for part in split_name(name) if part is not None)


def _who(engine: BaseEngine) -> str:
    """The database's user, and the person and the machine as far as they are known."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has no name.
        person = str(os.getuid())
    return f"{engine.target.url.username or 'somebody'} ({person}@{socket.gethostname()})"
