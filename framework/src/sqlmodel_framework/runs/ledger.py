"""The ledger: tables in the target, in the schema `datakit`, that say what happened there.

They are typed classes like a datakit's own, on a metadata of their own, so that no datakit takes
them for its tables.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Connection,
    Double,
    Identity,
    Index,
    Select,
    String,
    Table,
    Text,
    Uuid,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from .. import __version__
from ..base.instants import Instant, TransactionTime
from ..errors import TerminalError
from ..loading.sources import OutsideSource, QuerySource, TableSource

if TYPE_CHECKING:
    from ..base.datakit import Datakit
    from ..loading.load import Load
    from ..schema.deployment import Deployment
    from .result import LoadResult
    from .spec import Requester

__all__ = [
    "CheckpointRecord",
    "DeploymentRecord",
    "LoadRecord",
    "ObjectRecord",
    "QuarantinedRow",
    "RunRecord",
    "SizeRecord",
    "finished_loads",
    "has_succeeded",
    "ledger_tables",
    "record_deployment",
    "record_end",
    "record_load",
    "record_sizes",
    "record_start",
    "source_text",
]

SCHEMA = "datakit"

# Not every database has arrays, or JSON that it takes apart.
_TEXTS = ARRAY(Text).with_variant(JSON(none_as_null=True), "mariadb", "mssql", "sqlite")
_LONG_TEXT = Text().with_variant(LONGTEXT(), "mariadb")
_OBJECT = JSONB(none_as_null=True).with_variant(JSON(none_as_null=True), "mariadb", "mssql", "sqlite")
# SQL Server has no index over text without an end.
_NAME = Text().with_variant(String(200), "mssql")


class LedgerBase(SQLModel, registry=registry()):
    """The base of the ledger's tables; it keeps them apart from everybody else's."""


def _text(**more: Any) -> Any:
    return Field(sa_type=Text, **more)


def _time(*, nullable: bool = False) -> Any:
    return Field(
        default=None,
        nullable=nullable,
        sa_type=Instant,
        sa_column_kwargs={} if nullable else {"server_default": TransactionTime()},
    )


class DeploymentRecord(LedgerBase, table=True):
    """One deployment that changed something.

    plan_hash: what an approval was for.
    changes: the id of each change, such as "add column shop.item.price".
    deployed_by: the database user, and the person and the machine as far as they are known.
    """

    __tablename__ = "deployment"
    __table_args__ = {"schema": SCHEMA}

    deployment_id: UUID = Field(primary_key=True, sa_type=Uuid)
    datakit: str = _text()
    version: str = _text()
    fingerprint: str = _text()
    framework_version: str = _text()
    created_schemas: list[str] = Field(sa_type=_TEXTS)
    created_tables: list[str] = Field(sa_type=_TEXTS)
    seconds: float = Field(sa_type=Double)
    deployed_at: datetime = _time()
    plan_hash: str | None = _text(default=None)
    changes: list[str] | None = Field(default=None, sa_type=_TEXTS, nullable=True)
    deployed_by: str | None = _text(default=None)


class ObjectRecord(LedgerBase, table=True):
    """A schema, table, view or other object after the deployment that last changed it.

    fingerprint: SHA-256 over its declaration, in hex.
    shape: what it was then, as JSON; null where that deployment removed it.
    superseded_by: the deployment whose row follows this one; null for what holds now.
    """

    __tablename__ = "object"
    __table_args__ = {"schema": SCHEMA}

    object_id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)]
    )
    deployment_id: UUID = Field(sa_type=Uuid, foreign_key=f"{SCHEMA}.deployment.deployment_id")
    datakit: str = _text()
    kind: str = _text()
    name: str = _text()
    fingerprint: str = _text()
    shape: str | None = Field(default=None, sa_type=_LONG_TEXT)
    superseded_by: UUID | None = Field(default=None, sa_type=Uuid)


class RunRecord(LedgerBase, table=True):
    """One run. Its status is "running", "succeeded", "failed", or "abandoned" when it was killed.

    parts: of "deploy", "load" and "check", those that the run consists of.
    loads: the ids of the loads that it was asked for, each `layer.name`; null for all of them.
    image_digest: the digest of the image that the run happened in, when whoever started it told it.
    requested_by: who asked for the latest attempt, when he told; see `runs.spec.Requester`.
    """

    __tablename__ = "run"
    __table_args__ = {"schema": SCHEMA}

    run_id: UUID = Field(primary_key=True, sa_type=Uuid)
    datakit: str = _text()
    version: str = _text()
    fingerprint: str = _text()
    framework_version: str = _text()
    image_digest: str | None = _text(default=None)
    parts: list[str] = Field(sa_type=_TEXTS)
    status: str = _text()
    error: str | None = _text(default=None)
    started_at: datetime = _time()
    finished_at: datetime | None = _time(nullable=True)
    loads: list[str] | None = Field(default=None, sa_type=_TEXTS, nullable=True)
    requested_by: dict[str, Any] | None = Field(default=None, sa_type=_OBJECT, nullable=True)


class LoadRecord(LedgerBase, table=True):
    """One load that was committed; written in the same transaction as its last rows.

    Null where it is not known, or in a record of a version that did not write it down:

    deleted: how many rows.
    source: the system, if it has a name, and the name of the source in it.
    bytes: how many were read of a source outside of the target.
    checksum: SHA-256 in hex over these bytes; where rows went from server to server each has its own hash.
    watermark_from: where an incremental load began to read.
    watermark: where it ended, and the next one begins.
    new_columns: of the source, which the table lacks, each with a type that would hold it.
    """

    __tablename__ = "load"
    __table_args__ = {"schema": SCHEMA}

    load_id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)]
    )
    run_id: UUID = Field(sa_type=Uuid, foreign_key=f"{SCHEMA}.run.run_id")
    load_name: str = _text()
    layer: str = _text()
    table_name: str = _text()
    read: int = Field(sa_type=BigInteger)
    accepted: int = Field(sa_type=BigInteger)
    rejected: int = Field(sa_type=BigInteger)
    loaded: int = Field(sa_type=BigInteger)
    kept: dict[str, int] = Field(sa_type=_OBJECT)
    reasons: dict[str, int] = Field(sa_type=_OBJECT)
    seconds: float = Field(sa_type=Double)
    finished_at: datetime = _time()
    deleted: int | None = Field(default=None, sa_type=BigInteger)
    source: str | None = _text(default=None)
    bytes: int | None = Field(default=None, sa_type=BigInteger)
    checksum: str | None = _text(default=None)
    watermark_from: str | None = _text(default=None)
    watermark: str | None = _text(default=None)
    new_columns: dict[str, str] | None = Field(default=None, sa_type=_OBJECT, nullable=True)


class SizeRecord(LedgerBase, table=True):
    """How many rows a table had when a run succeeded one of whose checks asks for it the next time."""

    __tablename__ = "table_size"
    __table_args__ = {"schema": SCHEMA}

    size_id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)]
    )
    run_id: UUID = Field(sa_type=Uuid, foreign_key=f"{SCHEMA}.run.run_id")
    table_name: str = _text()
    number: int = Field(sa_type=BigInteger)
    counted_at: datetime = _time()


class CheckpointRecord(LedgerBase, table=True):
    """How far a load has come that is cut into chunks; written in the same transaction as the chunk's rows.

    It is gone when the load is done, so one that is there belongs to a load that was cut short.

    fingerprint: what was loaded, as SHA-256 in hex; another load does not go on from here.
    run_ids: the runs that wrote rows of it.
    after: the key of the last row that was written, each value as text.
    """

    __tablename__ = "checkpoint"
    __table_args__ = {"schema": SCHEMA}

    checkpoint_id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)]
    )
    datakit: str = Field(sa_type=_NAME)
    table_name: str = Field(sa_type=_NAME)
    load_name: str = Field(sa_type=_NAME)
    fingerprint: str = _text()
    run_ids: list[str] = Field(sa_type=_TEXTS)
    after: list[str] = Field(sa_type=_TEXTS)
    read: int = Field(sa_type=BigInteger)
    chunks: int = Field(sa_type=BigInteger)
    seconds: float = Field(sa_type=Double)
    updated_at: datetime = _time()


class QuarantinedRow(LedgerBase, table=True):
    """A row that the latest run of a load rejected, as it was offered, with every reason.

    position: the row's `bronze_id` when it was read from a bronze table, else its number in the
    source, from 1.
    """

    __tablename__ = "quarantine"
    __table_args__ = (
        Index(
            "quarantine_by_load",
            "datakit",
            "table_name",
            "load_name",
            mariadb_length={"datakit": 100, "table_name": 200, "load_name": 200},
        ),
        {"schema": SCHEMA},
    )

    quarantine_id: int = Field(
        default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)]
    )
    run_id: UUID = Field(sa_type=Uuid, foreign_key=f"{SCHEMA}.run.run_id")
    datakit: str = Field(sa_type=_NAME)
    table_name: str = Field(sa_type=_NAME)
    load_name: str = Field(sa_type=_NAME)
    position: int = Field(sa_type=BigInteger)
    reasons: list[str] = Field(sa_type=_TEXTS)
    row_values: dict[str, Any] = Field(sa_type=_OBJECT)
    rejected_at: datetime = _time()


def table(cls: type[SQLModel]) -> Table:
    """The SQLAlchemy table of one of the ledger's classes."""
    return cast("Table", cls.__table__)  # type: ignore[attr-defined]


def ledger_tables() -> list[Table]:
    """Every table of the ledger, those that others refer to first."""
    return list(LedgerBase.metadata.sorted_tables)


def record_deployment(connection: Connection, deployment: Deployment) -> None:
    """Write down a deployment."""
    connection.execute(
        insert(table(DeploymentRecord)).values(
            deployment_id=deployment.deployment_id,
            datakit=deployment.datakit,
            version=deployment.version,
            fingerprint=deployment.fingerprint,
            framework_version=__version__,
            created_schemas=list(deployment.created_schemas),
            created_tables=list(deployment.created_tables),
            seconds=deployment.seconds,
            plan_hash=deployment.plan_hash,
            changes=list(deployment.changes),
            deployed_by=deployment.deployed_by,
        )
    )


def has_succeeded(
    connection: Connection,
    run_id: UUID,
    datakit: str,
    parts: Sequence[str],
    loads: Collection[str] | None = None,
) -> bool:
    """Whether this run, of these parts and these loads of this datakit, ended well before.

    Raises:
        TerminalError: the id is that of another run.
    """
    runs = table(RunRecord)
    found = connection.execute(
        select(runs.c.datakit, runs.c.parts, runs.c.status).where(runs.c.run_id == run_id)
    ).one_or_none()
    if found is None:
        return False
    asked = _loads_asked(connection, run_id)
    same_loads = asked == (None if loads is None else set(loads))
    if (found.datakit, list(found.parts)) != (datakit, list(parts)) or not same_loads:
        only = "" if asked is None else f" (only {', '.join(sorted(asked))})"
        raise _another_run(run_id, f"{', '.join(found.parts)}{only} of datakit {found.datakit!r}")
    return bool(found.status == "succeeded")


def _loads_asked(connection: Connection, run_id: UUID) -> set[str] | None:
    """The loads that a run was asked for, also in a ledger of a version that did not write them down."""
    runs = table(RunRecord)
    every: Select[Any] = select(literal_column("*")).select_from(runs).where(runs.c.run_id == run_id)
    found = connection.execute(every).mappings().one().get("loads")
    names = json.loads(found) if isinstance(found, str | bytes) else found
    return None if names is None else set(names)


def record_start(
    connection: Connection,
    run_id: UUID,
    datakit: Datakit,
    *,
    parts: Sequence[str],
    image_digest: str | None = None,
    loads: Sequence[str] | None = None,
    requested_by: Requester | None = None,
) -> None:
    """Write down that a run began. The caller holds the run's lock, so any other one that needs it is dead.

    Raises:
        TerminalError: the id is that of another run.
    """
    runs = table(RunRecord)
    connection.execute(
        update(runs)
        .where(runs.c.run_id.in_(_dead_runs(connection, datakit, loads)))
        .values(status="abandoned", finished_at=TransactionTime(), error="the run ended without saying so")
    )
    values = {
        "datakit": datakit.name,
        "version": datakit.version,
        "fingerprint": datakit.fingerprint(),
        "framework_version": __version__,
        "image_digest": image_digest,
        "parts": list(parts),
        "loads": None if loads is None else list(loads),
        "requested_by": None if requested_by is None else requested_by.model_dump(),
        "status": "running",
        "error": None,
        "finished_at": None,
    }
    has_succeeded(connection, run_id, datakit.name, parts, loads)
    known = connection.execute(update(runs).where(runs.c.run_id == run_id).values(values)).rowcount
    if not known:
        try:
            connection.execute(insert(runs).values(run_id=run_id, **values))
        except IntegrityError:
            # Another datakit's run holds another lock, so it can have come first.
            raise _another_run(run_id, "another datakit") from None


def _dead_runs(connection: Connection, datakit: Datakit, loads: Sequence[str] | None) -> list[UUID]:
    """The runs that are said to be under way, and would hold a lock that the caller holds."""
    runs = table(RunRecord)
    running = connection.execute(
        select(runs.c.run_id, runs.c.loads).where(runs.c.datakit == datakit.name, runs.c.status == "running")
    ).all()
    if loads is None:
        return [run.run_id for run in running]
    held = {load.full_table_name for load in datakit.loads if load.id in loads}
    theirs = {load.id for load in datakit.loads if load.full_table_name in held}
    return [run.run_id for run in running if run.loads is None or theirs.intersection(run.loads)]


def _another_run(run_id: UUID, what: str) -> TerminalError:
    return TerminalError(
        f"the run id {run_id} is that of a run of {what}",
        hint="give every run an id of its own; only a retry keeps it",
    )


def record_end(connection: Connection, run_id: UUID, error: str | None) -> None:
    """Write down how a run ended: well, or with an error."""
    runs = table(RunRecord)
    connection.execute(
        update(runs)
        .where(runs.c.run_id == run_id)
        .values(status="failed" if error else "succeeded", error=error, finished_at=TransactionTime())
    )


def record_sizes(connection: Connection, run_id: UUID, tables: Iterable[Table]) -> None:
    """Write down how many rows each of these tables has, in the transaction in which the run ends well."""
    for each in tables:
        number = connection.execute(select(func.count()).select_from(each)).scalar_one()
        connection.execute(
            insert(table(SizeRecord)).values(run_id=run_id, table_name=each.fullname, number=number)
        )


def source_text(load: Load) -> str:
    """What the ledger calls the source of a load."""
    match load.source:
        case OutsideSource(system=system, name=name):
            return f"{system}: {name}" if system else name
        case TableSource(table=cls):
            return table(cls).fullname
        case QuerySource():
            return "a query of the target"


def record_load(connection: Connection, run_id: UUID, load: Load, result: LoadResult) -> None:
    """Write down a load, in the transaction of its rows."""
    from .incremental import reached

    watermark_from, watermark = reached(load)
    connection.execute(
        insert(table(LoadRecord)).values(
            run_id=run_id,
            load_name=result.table,
            layer=result.layer,
            table_name=load.full_table_name,
            read=result.read,
            accepted=result.accepted,
            rejected=result.rejected,
            loaded=result.loaded,
            kept=dict(result.kept),
            reasons=dict(result.reasons),
            seconds=result.seconds,
            deleted=result.deleted,
            source=source_text(load),
            bytes=result.bytes,
            checksum=result.checksum,
            watermark_from=watermark_from,
            watermark=watermark,
            new_columns=dict(result.new_columns),
        )
    )


def finished_loads(connection: Connection, run_id: UUID) -> dict[tuple[str, str], LoadResult]:
    """What a run has loaded by now, by the full name of the table and the name of the load."""
    from .result import LoadResult

    loads = table(LoadRecord)
    found: dict[tuple[str, str], LoadResult] = {}
    for row in connection.execute(select(loads).where(loads.c.run_id == run_id)):
        found[row.table_name, row.load_name] = LoadResult(
            table=row.load_name,
            layer=row.layer,
            read=row.read,
            accepted=row.accepted,
            rejected=row.rejected,
            loaded=row.loaded,
            seconds=row.seconds,
            deleted=row.deleted or 0,
            bytes=row.bytes,
            checksum=row.checksum,
            kept=row.kept,
            reasons=row.reasons,
        )
    return found
