"""Mixins for tables.

Each is a plain SQLModel class without `table=True`: derive from one or several, in any order, and
from mixins of your own.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal, get_args
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, FetchedValue, Identity, LargeBinary, Text, Uuid, func
from sqlmodel import Field

from .fields import column
from .instants import Forever, Instant, TransactionTime
from .mixin import BaseMixin

__all__ = [
    "EXTRACTION_METHODS",
    "BaseMixin",
    "BronzeTableMixin",
    "ExtractionMethod",
    "ReferenceTableMixin",
    "TemporalTableMixin",
    "TransactionalTableMixin",
]

ExtractionMethod = Literal["file", "full", "incremental", "cdc", "api", "stream"]
"""How rows left their source: the closed list that a bronze table accepts."""

EXTRACTION_METHODS: tuple[str, ...] = get_args(ExtractionMethod)


def _recorded(meaning: str, **more: Any) -> Any:
    """A moment in time with its time zone, filled by the database; `meaning` is in `Column.info`."""
    return column(
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        info={"datakit": meaning},
        **more,
    )


class _RecordedTimes(BaseMixin):
    """When a row was made and last changed, by the clock of the database."""

    created_at: datetime = _recorded("created_at")
    updated_at: datetime = _recorded("updated_at", onupdate=func.now())


class ReferenceTableMixin(_RecordedTimes):
    """A table of codes or entities that others point to, such as airports.

    It needs a natural key: a primary key or a unique constraint over columns whose values come
    with the data, not over one that is generated. Deploying a table without one is refused.

    Columns, all with time zone:
        created_at, updated_at: as in `TransactionalTableMixin`.
        loaded_at: when the row's values last came: its insert, or the last load that changed it.
        inactivated_at: since when the row is no longer valid; null while it is. Nothing is deleted, so
            that what points to it still does.
    """

    datakit_needs_natural_key: ClassVar[bool] = True

    loaded_at: datetime = _recorded("loaded_at", onupdate=func.now())
    inactivated_at: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))


class TransactionalTableMixin(_RecordedTimes):
    """A table of things that happen, such as flights.

    Columns, both with time zone:
        created_at: when the row was inserted, by the clock of the database.
        updated_at: when it was last updated, by the clock of the database.
    """


def _bound_of_validity(role: str, default: Any) -> Any:
    return Field(
        default=None,
        nullable=False,
        sa_type=Instant,
        sa_column_kwargs={
            "server_default": default,
            # So that the ORM reads it again after an update.
            "server_onupdate": FetchedValue(),
            "info": {"datakit": role},
        },
    )


class TemporalTableMixin(BaseMixin):
    """A table whose rows keep their history: every state that a row was in, and when.

    Ask for it with `as_of`, `history_of` and `changes_between` of `sqlmodel_framework.history`.

    Columns, both written by the database alone:
        valid_from: when the row's present state began.
        valid_to: when it ended: `FOREVER` (9999-12-31, UTC) in the table itself. The interval is
            half-open: a state holds at `valid_from`, and no more at `valid_to`.
    """

    valid_from: datetime = _bound_of_validity("valid_from", TransactionTime())
    valid_to: datetime = _bound_of_validity("valid_to", Forever())


class BronzeTableMixin(BaseMixin):
    """A table that keeps rows as they came, as text, with where they came from.

    Columns:
        bronze_id: position in order of arrival; generated; the primary key.
        source_system: the system that the rows come from.
        source_table: the file, table or topic in it.
        source_host: the host it was read from, when there is one.
        extraction_method: one of `EXTRACTION_METHODS`; the database refuses any other.
        loaded_at: when the row was written, with time zone.
        run_id: the run that wrote it.
        row_hash: SHA-256 over the row's own columns; see `sqlmodel_framework.loading.row_hash`.
    """

    bronze_id: int = column(BigInteger, default=None, primary_key=True, items=lambda: [Identity(always=True)])
    source_system: str = Field(sa_type=Text)
    source_table: str = Field(sa_type=Text)
    source_host: str | None = Field(default=None, sa_type=Text)
    extraction_method: ExtractionMethod = column(values=EXTRACTION_METHODS)
    loaded_at: datetime = _recorded("loaded_at")
    run_id: UUID = Field(sa_type=Uuid)
    row_hash: bytes = Field(sa_type=LargeBinary)
