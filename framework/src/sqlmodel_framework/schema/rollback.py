"""Earlier deployments, and the way back to one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.engine import URL

from ..engines.registry import engine_for
from ..errors import TerminalError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .applying import carry_out
from .declared import Declared
from .deployment import Deployment
from .planning import Planned, plan_towards
from .record import shape_from, snapshot_of

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["PastDeployment", "deployments_of", "plan_rollback", "rollback_datakit"]


@dataclass(frozen=True, kw_only=True)
class PastDeployment:
    """A deployment as the ledger has it; see `Deployment`."""

    deployment_id: UUID
    datakit: str
    version: str
    fingerprint: str
    deployed_at: datetime
    deployed_by: str
    changes: tuple[str, ...]


def deployments_of(
    datakit: str, target: Target | URL | str, *, engine: BaseEngine | type[BaseEngine] | None = None
) -> tuple[PastDeployment, ...]:
    """The deployments of a datakit that changed something, the first one first.

    Args:
        datakit: the datakit's name.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own; by default the one for the URL's dialect.
    """
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction():
        return _deployments(used, datakit)


def plan_rollback(
    datakit: str,
    target: Target | URL | str,
    *,
    to: UUID | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Planned:
    """Plan the way back to an earlier deployment; nothing is changed. See `rollback_datakit`."""
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction():
        return _plan(used, datakit, to)


def rollback_datakit(
    datakit: str,
    target: Target | URL | str,
    *,
    to: UUID | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
    allow: Iterable[str] = (),
) -> Deployment:
    """Take a target back to what an earlier deployment left. Rows that are gone do not come back.

    What would be lost is refused like in any other deployment.

    Args:
        datakit: the datakit's name; it need not be installed.
        target: a target, a name from `datakit.toml`, or a database URL.
        to: the deployment to go back to; by default the one before the latest.
        engine: an engine of your own; by default the one for the URL's dialect.
        allow: the ids of changes that destroy something and are meant.

    Raises:
        TerminalError: there is no such deployment.
        RefusedChangesError: a change destroys something and is not allowed; nothing was changed.
    """
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.locked("deploy"):
        with used.transaction():
            planned = _plan(used, datakit, to)
        return carry_out(used, planned, frozenset(allow))


def _plan(engine: BaseEngine, datakit: str, to: UUID | None) -> Planned:
    past = _deployments(engine, datakit)
    wanted = _chosen(engine, datakit, past, to)
    order = {each.deployment_id: number for number, each in enumerate(past)}
    fingerprints, shapes = _objects_at(engine, datakit, order, order[wanted.deployment_id])
    declared = Declared(snapshot_of(shapes), recorded=fingerprints)
    return plan_towards(
        engine,
        declared,
        datakit=datakit,
        version=wanted.version,
        fingerprint=lambda: wanted.fingerprint,
    )


def _chosen(
    engine: BaseEngine, datakit: str, past: Sequence[PastDeployment], to: UUID | None
) -> PastDeployment:
    if to is None and len(past) > 1:
        return past[-2]
    for each in past:
        if each.deployment_id == to:
            return each
    what = "an earlier deployment" if to is None else f"the deployment {to}"
    raise TerminalError(
        f"target {engine.target.name} has no record of {what} of datakit {datakit!r}",
        hint="datakit history lists the deployments",
        target=engine.target.name,
    )


def _deployments(engine: BaseEngine, datakit: str) -> tuple[PastDeployment, ...]:
    from ..runs.ledger import DeploymentRecord, ObjectRecord, table

    # A ledger that is not there, or lost its objects, knows of no deployment.
    if not engine.keeps_ledger or not engine.has_tables([table(DeploymentRecord), table(ObjectRecord)]):
        return ()
    rows = table(DeploymentRecord)
    found = engine.connection.execute(
        select(rows).where(rows.c.datakit == datakit).order_by(rows.c.deployed_at, rows.c.deployment_id)
    )
    return tuple(
        PastDeployment(
            deployment_id=row.deployment_id,
            datakit=row.datakit,
            version=row.version,
            fingerprint=row.fingerprint,
            deployed_at=row.deployed_at,
            deployed_by=row.deployed_by or "",
            changes=tuple(row.changes or ()),
        )
        for row in found
    )


def _objects_at(
    engine: BaseEngine, datakit: str, order: dict[UUID, int], when: int
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], Any]]:
    from ..runs.ledger import ObjectRecord, table

    objects = table(ObjectRecord)
    fingerprints: dict[tuple[str, str], str] = {}
    shapes: dict[tuple[str, str], Any] = {}
    later = len(order)
    for row in engine.connection.execute(select(objects).where(objects.c.datakit == datakit)):
        until = later if row.superseded_by is None else order[row.superseded_by]
        if row.shape is not None and order[row.deployment_id] <= when < until:
            fingerprints[row.kind, row.name] = row.fingerprint
            shapes[row.kind, row.name] = shape_from(row.kind, row.shape)
    return fingerprints, shapes
