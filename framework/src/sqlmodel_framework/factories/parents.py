"""Where the keys come from that rows refer to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import inspect
from sqlmodel import SQLModel

from ..base.tables import table_of
from ..errors import DeclarationError
from .domains import Domain, listed

__all__ = ["GivenParents", "HeldRows", "Parents", "Referred", "one_by_one"]


class Referred(Protocol):
    """Rows of a table that others refer to."""

    def key(self, columns: tuple[str, ...]) -> Domain | None:
        """What the rows have in these columns: values, or tuples of several; None if that is not known."""
        ...


GivenParents = Mapping[type[SQLModel], int | Iterable[SQLModel | Mapping[str, Any]]]
"""What `make_rows` is given: rows by class, or how many of them are to be taken for made."""

Parents = Mapping[str, Referred]
"""By the full name of the table."""


class HeldRows:
    """Rows that are there, as instances or mappings.

    Args:
        table: their class.
        rows: what they are.
    """

    def __init__(self, table: type[SQLModel], rows: Iterable[SQLModel | Mapping[str, Any]]) -> None:
        self._table = table
        self._rows = rows

    @cached_property
    def _held(self) -> list[Mapping[str, Any]]:
        return [row if isinstance(row, Mapping) else self._mapping(row) for row in self._rows]

    def _mapping(self, row: SQLModel) -> Mapping[str, Any]:
        mapper = inspect(self._table)
        columns = table_of(self._table).columns
        return {each.name: getattr(row, mapper.get_property_by_column(each).key) for each in columns}

    def key(self, columns: tuple[str, ...]) -> Domain | None:
        """As `Referred`.

        Raises:
            DeclarationError: a row lacks a value.
        """
        for number, row in enumerate(self._held, 1):
            for column in columns:
                if row.get(column) is None:
                    name = table_of(self._table).fullname
                    raise DeclarationError(
                        f"{name}: row {number} of parents={{...}} has no {column}, which is referred to",
                        hint="pass the rows as the database has them, with the keys that it made",
                        table=name,
                        column=column,
                    )
        return listed([one_by_one([row[column] for column in columns]) for row in self._held])


def one_by_one(values: Sequence[Any]) -> Any:
    """The values of a key as a domain has them: alone, or as a tuple."""
    return values[0] if len(values) == 1 else tuple(values)
