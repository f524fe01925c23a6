"""Partitions: the parts in which a large table is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Table
from sqlalchemy.sql.elements import conv

from ..errors import DeclarationError

__all__ = ["MAXIMUM", "MINIMUM", "REST", "Partitions"]

INFO = "datakit_partitions"
"""Where a `Table.info` keeps the bounds of each partition, by full name."""

MINIMUM = conv("MINVALUE")
"""The bound below every value of a range."""

MAXIMUM = conv("MAXVALUE")
"""The bound above every value of a range."""

REST = "DEFAULT"
"""The bounds of the partition that takes what no other one does."""

_OPTION = "postgresql_partition_by"


@dataclass(frozen=True)
class Partitions:
    """How a table is divided, as its class's `__partitions__`.

    A database without partitions keeps the table whole. Partitions are in the table's schema. Where
    there are partitions, the primary key and every unique key hold the columns that divide the table.

    Use `by_range`, `by_list` or `by_hash`.
    """

    method: Literal["RANGE", "LIST", "HASH"]
    columns: tuple[str, ...]
    bounds: Mapping[str, str]

    @classmethod
    def by_range(cls, *columns: str, parts: Mapping[str, tuple[Any, Any] | str]) -> Partitions:
        """By ranges of values.

        Args:
            columns: what the table is divided by.
            parts: for each partition's name the first value and the one after the last, or `REST`.
                A value is a tuple where there are several columns; `MINIMUM` and `MAXIMUM` are values.
        """
        bounds = {
            name: REST
            if isinstance(part, str)
            else f"FOR VALUES FROM ({_values(part[0])}) TO ({_values(part[1])})"
            for name, part in parts.items()
        }
        return cls("RANGE", columns, bounds)

    @classmethod
    def by_list(cls, column: str, *, parts: Mapping[str, tuple[Any, ...] | str]) -> Partitions:
        """By listed values: for each partition's name its values, or `REST`."""
        bounds = {
            name: REST if isinstance(part, str) else f"FOR VALUES IN ({_values(part)})"
            for name, part in parts.items()
        }
        return cls("LIST", (column,), bounds)

    @classmethod
    def by_hash(cls, *columns: str, parts: tuple[str, ...]) -> Partitions:
        """Evenly, over partitions of these names."""
        bounds = {
            name: f"FOR VALUES WITH (MODULUS {len(parts)}, REMAINDER {position})"
            for position, name in enumerate(parts)
        }
        return cls("HASH", columns, bounds)

    def options(self) -> dict[str, Any]:
        """What `sqlalchemy.Table` is given besides its columns."""
        from sqlalchemy.dialects import postgresql

        quote = postgresql.dialect().identifier_preparer.quote  # type: ignore[no-untyped-call]
        return {_OPTION: f"{self.method} ({', '.join(map(quote, self.columns))})"}

    def describe(self, table: Table) -> None:
        """Write the partitions of a table into its `info`.

        Raises:
            DeclarationError: a column is not there, or not in the primary key.
        """
        for column in self.columns:
            if column not in table.columns:
                raise DeclarationError(
                    f"{table.fullname} is divided by {column}, which is none of its columns",
                    table=table.fullname,
                )
            if table.primary_key.columns and column not in table.primary_key.columns:
                raise DeclarationError(
                    f"{table.fullname} is divided by {column}, which is not in its primary key",
                    hint="a key cannot be kept unique across partitions without it: add it to the key",
                    table=table.fullname,
                    column=column,
                )
        prefix = f"{table.schema}." if table.schema else ""
        table.info[INFO] = {f"{prefix}{name}": bounds for name, bounds in self.bounds.items()}


def _values(values: Any) -> str:
    return ", ".join(map(_literal, values if isinstance(values, tuple) else (values,)))


def _literal(value: Any) -> str:
    match value:
        case conv():
            return str(value)
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | Decimal() | float():
            return str(value)
        case _:
            # Dates and times write themselves as ISO 8601.
            return "'{}'".format(str(value).replace("'", "''"))
