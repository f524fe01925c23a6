"""A load: one movement of rows into one table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Table
from sqlmodel import SQLModel

from ..base.models import BronzeTableMixin
from ..base.tables import table_of
from ..errors import DeclarationError
from .rules import Reference, Rule, Unique
from .sources import CsvSource, QuerySource, Source, TableSource

__all__ = ["Load"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """Rows of `source` go into `table`; one transaction, all of it or nothing.

    How rows are written follows from the table. One with `BronzeTableMixin` is appended to: what
    is already there from the same source, counted with its multiplicity, is not written again. Any
    other table is merged by its key: new rows are inserted, rows with another value are updated.

    Args:
        table: the typed table that the rows go into.
        name: what a report calls the rows; usually the name of the source.
        layer: free text that a report groups by, such as "bronze", "silver", "gold".
        source: where the rows come from.
        rules: declared deviations.

    Raises:
        DeclarationError: the parts do not fit together.
    """

    table: type[SQLModel]
    name: str
    layer: str
    source: Source
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        where = f"load {self.name!r} ({self.layer})"
        columns = table_of(self.table).columns
        if not isinstance(self.source, CsvSource | TableSource | QuerySource):
            raise DeclarationError(f"{where}: the source must be a CsvSource, TableSource or QuerySource")
        if self.is_bronze and not isinstance(self.source, CsvSource):
            raise DeclarationError(f"{where}: a bronze table is loaded from a CsvSource")
        if self.is_bronze and self.rules:
            raise DeclarationError(f"{where}: a bronze table keeps rows as they come, so it takes no rules")
        for rule in self.rules:
            for name in (rule.column,) if isinstance(rule, Reference) else rule.columns:
                if name not in columns:
                    raise DeclarationError(
                        f"{where}: a rule names the column {name!r}, which is not in {self.full_table_name}"
                    )

    @property
    def is_bronze(self) -> bool:
        """Whether the table keeps rows as they come."""
        return issubclass(self.table, BronzeTableMixin)

    @property
    def sql_table(self) -> Table:
        """The table as SQLAlchemy knows it."""
        return table_of(self.table)

    @property
    def full_table_name(self) -> str:
        """`schema.name`, or `name` for a table in the default schema."""
        return self.sql_table.fullname

    @property
    def references(self) -> tuple[Reference, ...]:
        """The rules that are references."""
        return tuple(rule for rule in self.rules if isinstance(rule, Reference))

    @property
    def uniques(self) -> tuple[Unique, ...]:
        """The rules that are uniqueness."""
        return tuple(rule for rule in self.rules if isinstance(rule, Unique))
