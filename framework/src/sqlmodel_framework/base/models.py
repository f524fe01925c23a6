"""Mixins for tables.

Each is a plain SQLModel class without `table=True`: derive from one or several, in any order, and
from mixins of your own. No `Column` object is ever shared: SQLModel makes a new column for each
table from the field's description, and what must belong to one column only (an identity, a check)
is made anew for each table by `_OfEachTable`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal, get_args, overload
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    FetchedValue,
    Identity,
    LargeBinary,
    Text,
    Uuid,
    func,
)
from sqlalchemy.orm import declared_attr
from sqlmodel import Field, SQLModel

from .instants import Forever, Instant, TransactionTime

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


class _OfEachTable(Sequence[Any]):
    """Arguments of a column that are made anew each time they are read, so never shared by two tables."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        yield self._make()

    def __len__(self) -> int:
        return 1

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return [self._make()][index]


def _instant(**column: Any) -> Any:
    """A moment in time with its time zone, filled by the database."""
    return Field(
        default=None,
        nullable=False,
        sa_type=DateTime(timezone=True),
        sa_column_kwargs={"server_default": func.now(), **column},
    )


def _extraction_method_check() -> CheckConstraint:
    values = ", ".join(f"'{method}'" for method in EXTRACTION_METHODS)
    return CheckConstraint(f"extraction_method IN ({values})", name="extraction_method_is_known")


class BaseMixin(SQLModel):
    """The base of every mixin, and of mixins of your own. It adds no column.

    A table is named after its class in snake case (`FlightDelay` is `flight_delay`) unless
    `__tablename__` says otherwise.
    """

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


class _RecordedTimes(BaseMixin):
    """When a row was made and last changed, by the clock of the database."""

    created_at: datetime = _instant()
    updated_at: datetime = _instant(onupdate=func.now(), info={"datakit": "updated_at"})


class ReferenceTableMixin(_RecordedTimes):
    """A table of codes or entities that others point to, such as airports.

    It needs a natural key: a primary key or a unique constraint over columns whose values come
    with the data, not over one that is generated. Deploying a table without one is refused.

    Columns: `created_at` and `updated_at`, both with time zone. `updated_at` changes with every
    update that changes something, whoever writes it: in a table that was deployed the database sees to it.
    """

    datakit_needs_natural_key: ClassVar[bool] = True


class TransactionalTableMixin(_RecordedTimes):
    """A table of things that happen, such as flights.

    Columns: `created_at` and `updated_at`, as in `ReferenceTableMixin`.
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

    bronze_id: int = Field(
        default=None,
        primary_key=True,
        sa_type=BigInteger,
        sa_column_args=_OfEachTable(lambda: Identity(always=True)),
    )
    source_system: str = Field(sa_type=Text)
    source_table: str = Field(sa_type=Text)
    source_host: str | None = Field(default=None, sa_type=Text)
    extraction_method: ExtractionMethod = Field(
        sa_type=Text, sa_column_args=_OfEachTable(_extraction_method_check)
    )
    loaded_at: datetime = _instant()
    run_id: UUID = Field(sa_type=Uuid)
    row_hash: bytes = Field(sa_type=LargeBinary)
