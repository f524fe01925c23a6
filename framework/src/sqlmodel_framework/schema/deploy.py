"""Deploy a datakit: plan, and apply the plan, under one lock."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..engines.registry import engine_for
from ..errors import TerminalError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .applying import carry_out
from .deployment import Deployment
from .planning import plan_with

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["deploy_datakit", "deploy_with"]


def deploy_datakit(
    datakit: Datakit | str,
    target: Target | URL | str,
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,
    allow: Iterable[str] = (),
) -> Deployment:
    """Take a target to what a datakit declares.

    Deploying again changes nothing and costs a few queries, however many tables there are. A lock keeps
    other deployments away. What can be one transaction is one; a deployment that was stopped is finished by
    the next one.

    Args:
        datakit: a datakit, or its name: an entry point in `sqlmodel_framework.datakits` or a module.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own, an instance or a class; by default the one for the URL's dialect.
        allow: the ids of changes that destroy something and are meant, such as "drop column shop.item.price".

    Raises:
        DatakitNotFoundError: there is no such datakit.
        DeclarationError: the datakit has no tables, or declares some that cannot work.
        TargetError: the target is unknown or refuses the credentials.
        RefusedChangesError: a change would destroy something, or cannot be done; nothing was changed.
        UnavailableError: the database does not answer.
        LockedError: somebody else is deploying.
    """
    kit = find_datakit(datakit)
    used = engine_for(resolve_target(target), engine)
    with used.connect():
        return deploy_with(used, kit, allow=allow)


def deploy_with(
    engine: BaseEngine,
    datakit: Datakit,
    *,
    create: bool = True,
    allow: Iterable[str] = (),
    approved: str | None = None,
) -> Deployment:
    """Deploy over an engine that is connected; see `deploy_datakit`.

    Args:
        engine: the engine, connected.
        datakit: the datakit.
        create: whether what is missing is made; else it is an error.
        allow: the ids of changes that destroy something and are meant.
        approved: the hash of a plan; if it is that of the plan which is about to be applied, all that this
            one destroys is meant.

    Raises:
        TerminalError: something is missing or differs, and may not be changed.
    """
    started = time.perf_counter()
    with engine.locked("deploy"):
        with engine.transaction():
            planned = plan_with(engine, datakit)
        if not create and (planned.ledger or not planned.plan.empty):
            lacking = [change.id for change in planned.plan.changes] or ["the ledger"]
            raise TerminalError(
                f"target {engine.target.name} is not deployed for datakit {datakit.name!r}; "
                f"missing: {', '.join(lacking)}",
                hint="deploy the datakit first",
                target=engine.target.name,
            )
        deployment = carry_out(engine, planned, frozenset(allow), approved=approved)
    return replace(deployment, seconds=time.perf_counter() - started)
