"""Where a row comes from: the load that wrote it, its run, and who asked for that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Column, Connection, Row, Table, select
from sqlalchemy.engine import URL
from sqlmodel import SQLModel

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..base.models import BronzeTableMixin
from ..base.tables import field_of, table_of
from ..engines.base import BaseEngine
from ..engines.registry import engine_for
from ..errors import TerminalError
from ..history.companion import column_for
from ..targets.settings import resolve_target
from ..targets.target import Target
from . import ledger
from .spec import Requester

__all__ = ["Evidence", "Origin", "origin_of_row", "origin_of_run"]

Evidence = Literal["run id", "time", "latest load"]
"""What leads from a row to a run: its own column, when it was written, or for want of both, its table."""

_MOMENTS = ("created_at", "updated_at", "loaded_at", "valid_from")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A run, as the ledger has it, and for a row the load of it.

    Attributes:
        target: the name of the target.
        table: the row's table; None for a run that was asked for by its id.
        load: the id of the load, `layer.name`; None where the ledger has none.
        evidence: what leads from the row to the run; None for a run that was asked for by its id. By
            "time", a row that was changed by hand while a load was under way is taken for the load's. By
            "latest load", the load is the last one into the table, which keeps no times.
        written_at: when the row was last written, as it says itself; None where it does not.
        run_id: the run.
        datakit: the datakit's name.
        version: the datakit's version.
        fingerprint: SHA-256 over the datakit's declaration, in hex.
        status: "running", "succeeded", "failed" or "abandoned".
        started_at: when the run began.
        image_digest: the digest of the image that it happened in; None where nobody told.
        requested_by: the orchestrator's task that asked for it; None where nobody told.
    """

    target: str
    table: str | None
    load: str | None
    evidence: Evidence | None
    written_at: datetime | None
    run_id: UUID
    datakit: str
    version: str
    fingerprint: str
    status: str
    started_at: datetime
    image_digest: str | None
    requested_by: Requester | None


def origin_of_run(
    run_id: UUID, target: Target | URL | str, *, engine: BaseEngine | type[BaseEngine] | None = None
) -> Origin:
    """What the ledger knows of a run.

    Args:
        run_id: the run's id, as a bronze row, a report or a log line has it.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own; by default the one for the URL's dialect.

    Raises:
        TerminalError: the target's ledger knows no such run.
        DatakitError: any other error of the target.
    """
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction() as connection:
        _require_ledger(used)
        return _origin(connection, used.target, run_id)


def origin_of_row(
    datakit: Datakit | str,
    target: Target | URL | str,
    table: str,
    key: Mapping[str, str],
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Origin:
    """The load that wrote a row last, and its run.

    A bronze row holds its run's id. Any other row says when it was written, if its class has one of the
    mixins' times, and the ledger when each load of its table was under way.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.
        target: a target, a name from `datakit.toml`, or a database URL.
        table: the table, as `schema.name`.
        key: what identifies the row: names of columns, and their values as text.
        engine: an engine of your own; by default the one for the URL's dialect.

    Raises:
        TerminalError: there is no such table, column or row, there are several rows, or no load that the
            ledger knows wrote it.
        DatakitError: any other error of the target.
    """
    kit = find_datakit(datakit)
    cls = _class_of(kit, table)
    wanted = {_column(cls, name): value for name, value in key.items()}
    if not wanted:
        raise TerminalError(f"which row of {table}?", hint="name its key: COLUMN=VALUE")
    values = {column: _value(cls, column, text) for column, text in wanted.items()}
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction() as connection:
        _require_ledger(used)
        if not used.has_tables([table_of(cls)]):
            raise TerminalError(f"{used.target.name} has no table {table}", hint="deploy the datakit first")
        return _origin_of(connection, used.target, cls, _row(connection, cls, values))


def _require_ledger(engine: BaseEngine) -> None:
    if not engine.has_tables([ledger.table(ledger.RunRecord), ledger.table(ledger.LoadRecord)]):
        raise TerminalError(
            f"{engine.target.name} has no ledger, so nothing was loaded there", hint="name another target"
        )


def _class_of(datakit: Datakit, table: str) -> type[SQLModel]:
    classes = {table_of(cls).fullname: cls for cls in datakit.table_classes()}
    if table not in classes:
        raise TerminalError(
            f"datakit {datakit.name!r} has no table {table!r}", hint=f"it has: {', '.join(classes)}"
        )
    return classes[table]


def _column(cls: type[SQLModel], name: str) -> Column[Any]:
    columns = {column.name: column for column in table_of(cls).columns}
    if name not in columns:
        raise TerminalError(
            f"{table_of(cls).fullname} has no column {name!r}", hint=f"it has: {', '.join(columns)}"
        )
    return columns[name]


def _value(cls: type[SQLModel], column: Column[Any], text: str) -> Any:
    field = field_of(cls, column)
    if field is None or field.annotation is None:
        return text
    try:
        return TypeAdapter(field.annotation).validate_strings(text)
    except ValidationError as error:
        told = error.errors(include_input=False, include_url=False, include_context=False)[0]["msg"]
        raise TerminalError(f"{column.name}={text!r} is no value of {column.name}: {told}") from None


def _row(connection: Connection, cls: type[SQLModel], values: Mapping[Column[Any], Any]) -> Row[Any]:
    table = table_of(cls)
    columns = _telling(cls, table) or [*values]
    query = select(*columns).where(*(column == value for column, value in values.items()))
    rows = connection.execute(query.limit(2)).all()
    if len(rows) != 1:
        named = ", ".join(f"{column.name}={value}" for column, value in values.items())
        how_many = "no row" if not rows else "more than one row"
        raise TerminalError(f"{table.fullname} has {how_many} with {named}", hint="name the key of one row")
    return rows[0]


def _telling(cls: type[SQLModel], table: Table) -> list[Column[Any]]:
    """The columns that tell what wrote a row."""
    if issubclass(cls, BronzeTableMixin):
        return [table.c[name] for name in ("run_id", "loaded_at", "source_system", "source_table")]
    found = (column_for(table, role) for role in _MOMENTS)
    return [column for column in found if column is not None]


def _origin_of(connection: Connection, target: Target, cls: type[SQLModel], row: Row[Any]) -> Origin:
    table = table_of(cls)
    if issubclass(cls, BronzeTableMixin):
        return _origin(
            connection,
            target,
            row.run_id,
            table,
            _load_of(connection, table, row),
            evidence="run id",
            written_at=_aware(row.loaded_at),
        )
    written_at = _aware(max(row)) if _telling(cls, table) else None
    load = _load_at(connection, table, written_at)
    if load is None:
        when = "" if written_at is None else f" at {written_at.isoformat()}"
        raise TerminalError(
            f"no load of {table.fullname} that the ledger knows wrote the row{when}",
            hint="it was written by something else than a load",
        )
    evidence: Evidence = "latest load" if written_at is None else "time"
    return _origin(connection, target, load.run_id, table, load, evidence=evidence, written_at=written_at)


def _aware(moment: datetime) -> datetime:
    # SQLite's moments are in UTC, and do not say so.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _load_of(connection: Connection, table: Table, row: Row[Any]) -> Row[Any] | None:
    """The load that brought a bronze row; None while it is not finished."""
    loads = ledger.table(ledger.LoadRecord)
    sources = (f"{row.source_system}: {row.source_table}", row.source_table)
    query = select(loads.c.run_id, loads.c.layer, loads.c.load_name).where(
        loads.c.run_id == row.run_id, loads.c.table_name == table.fullname, loads.c.source.in_(sources)
    )
    return connection.execute(query.limit(1)).one_or_none()


def _load_at(connection: Connection, table: Table, moment: datetime | None) -> Row[Any] | None:
    """The load of a table that was under way at a moment, or the latest one.

    Loads of one table exclude each other, but one that goes on after an interruption can have another in
    between: that one ends first, and began later.
    """
    runs, loads = ledger.table(ledger.RunRecord), ledger.table(ledger.LoadRecord)
    query = select(loads.c.run_id, loads.c.layer, loads.c.load_name)
    query = query.join(runs, runs.c.run_id == loads.c.run_id).where(loads.c.table_name == table.fullname)
    if moment is None:
        query = query.order_by(loads.c.finished_at.desc(), loads.c.load_id.desc())
    else:
        query = query.where(runs.c.started_at <= moment, loads.c.finished_at >= moment)
        query = query.order_by(loads.c.finished_at, loads.c.load_id)
    return connection.execute(query.limit(1)).one_or_none()


def _origin(
    connection: Connection,
    target: Target,
    run_id: UUID,
    table: Table | None = None,
    load: Row[Any] | None = None,
    *,
    evidence: Evidence | None = None,
    written_at: datetime | None = None,
) -> Origin:
    runs = ledger.table(ledger.RunRecord)
    run = connection.execute(select(runs).where(runs.c.run_id == run_id)).one_or_none()
    if run is None:
        raise TerminalError(f"the ledger knows no run {run_id}", hint="it is the ledger of another target")
    return Origin(
        target=target.name,
        table=None if table is None else table.fullname,
        load=None if load is None else f"{load.layer}.{load.load_name}",
        evidence=evidence,
        written_at=written_at,
        run_id=run_id,
        datakit=run.datakit,
        version=run.version,
        fingerprint=run.fingerprint,
        status=run.status,
        started_at=run.started_at,
        image_digest=run.image_digest,
        requested_by=None if run.requested_by is None else Requester.model_validate(run.requested_by),
    )
