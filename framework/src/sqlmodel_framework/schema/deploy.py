"""Deploy a datakit: make what it declares, once, in one transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.engine import URL

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..engines.registry import engine_for
from ..errors import TableDiffersError, TerminalError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .deployment import Deployment
from .difference import differences
from .names import refuse_long_names
from .snapshot import Snapshot

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["deploy_datakit", "deploy_with"]


def deploy_datakit(
    datakit: Datakit | str,
    target: Target | URL | str,
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Deployment:
    """Create the schemas and tables of a datakit that its target lacks.

    Deploying again changes nothing and costs a few queries, however many tables there are. All of it
    is one transaction, guarded by a lock.

    Args:
        datakit: a datakit, or its name: an entry point in `sqlmodel_framework.datakits` or a module.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own, an instance or a class; by default the one for the URL's dialect.

    Raises:
        DatakitNotFoundError: there is no such datakit.
        DeclarationError: the datakit has no tables, or declares some that cannot work.
        TargetError: the target is unknown or refuses the credentials.
        TableDiffersError: a table exists with other columns; nothing was changed.
        UnavailableError: the database does not answer.
        LockedError: somebody else is deploying.
    """
    kit = find_datakit(datakit)
    used = engine_for(resolve_target(target), engine)
    with used.connect():
        return deploy_with(used, kit)


def deploy_with(engine: BaseEngine, datakit: Datakit, *, create: bool = True) -> Deployment:
    """Deploy over an engine that is connected; see `deploy_datakit`.

    Args:
        engine: the engine, connected.
        datakit: the datakit.
        create: whether what is missing is created; else it is an error.

    Raises:
        TerminalError: something is missing and may not be created.
    """
    started = time.perf_counter()
    metadata = datakit.metadata()
    own = list(metadata.tables.values())
    if engine.longest_name is not None:
        refuse_long_names(own, engine.longest_name)
    ledger = _ledger_tables(engine)
    with engine.transaction():
        engine.lock("deploy")
        snapshot = engine.read_snapshot([*own, *ledger])
        _refuse_differences(engine, snapshot, [*own, *ledger], datakit)
        engine.remember(snapshot)
        schemas = sorted({table.schema for table in [*own, *ledger] if table.schema is not None})
        missing = [name for name in schemas if name not in snapshot.schemas]
        created = tuple(table.fullname for table in own if table.fullname not in snapshot.tables)
        lacking = [table.fullname for table in [*own, *ledger] if table.fullname not in snapshot.tables]
        if lacking and not create:
            raise TerminalError(
                f"target {engine.target.name} lacks tables of datakit {datakit.name!r}: {', '.join(lacking)}",
                hint="deploy the datakit first",
                target=engine.target.name,
            )
        if missing:
            engine.create_schemas(missing)
        if any(table.fullname not in snapshot.tables for table in ledger):
            ledger[0].metadata.create_all(engine.connection)
        if created:
            engine.create_tables(metadata)
        own_schemas = sorted({table.schema for table in own if table.schema is not None})
        deployment = Deployment(
            datakit=datakit.name,
            version=datakit.version,
            fingerprint=datakit.fingerprint(),
            target=engine.target.name,
            created_schemas=tuple(name for name in own_schemas if name in missing),
            existing_schemas=tuple(name for name in own_schemas if name not in missing),
            created_tables=created,
            existing_tables=tuple(t.fullname for t in own if t.fullname in snapshot.tables),
            seconds=time.perf_counter() - started,
        )
        if ledger and deployment.changed:
            from ..runs.ledger import record_deployment

            record_deployment(engine.connection, deployment)
    return deployment


def _ledger_tables(engine: BaseEngine) -> list[Table]:
    if not engine.keeps_ledger:
        return []
    from ..runs.ledger import ledger_tables

    return ledger_tables()


def _refuse_differences(
    engine: BaseEngine, snapshot: Snapshot, tables: list[Table], datakit: Datakit
) -> None:
    lines: list[str] = []
    for table in tables:
        found = snapshot.tables.get(table.fullname)
        if found is not None:
            lines += differences(table.fullname, engine.declared_shape(table), found)
    if lines:
        raise TableDiffersError(
            f"target {engine.target.name} has tables that differ from datakit {datakit.name!r}: "
            + "; ".join(lines),
            differences=tuple(lines),
            hint="nothing was changed; change the declaration, or move the old table away",
            target=engine.target.name,
        )
