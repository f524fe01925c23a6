"""A load: one movement of rows into one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import Table
from sqlmodel import SQLModel

from ..base.models import BronzeTableMixin
from ..base.tables import table_of
from ..errors import DeclarationError
from .contract import longest
from .modes import Append, History, Merge, Mode, Replace, check_mode
from .rules import Coerce, Reference, Rule, Unique
from .sources import DatabaseSource, OutsideSource, QuerySource, Source, TableSource, TransformedSource
from .sources.rows import Row

__all__ = ["Contract", "Load", "load_with_transform"]

Contract = Literal["enforce", "quarantine", "coerce", "evolve"]
"""What happens to rows that break the table's contract."""

_MERGE = Merge()


@dataclass(frozen=True, kw_only=True)
class Load:
    """Rows of `source` go into `table`, all of them or none.

    A table with `BronzeTableMixin` keeps rows as they come: what is already there from the same source,
    counted with its multiplicity, is not written again. Any other table takes one of the write modes.

    Args:
        table: the typed table that the rows go into.
        name: what a report calls the rows; usually the name of the source.
        layer: free text that a report groups by, such as "bronze", "silver", "gold".
        source: where the rows come from.
        rules: declared deviations.
        mode: what is done with rows that are there already; see `sqlmodel_framework.loading.modes`.
        contract: "quarantine" puts rows that break the table's contract aside, each with its reasons and
            its values, and loads the others; "enforce" loads nothing when there is one; "coerce" converts
            values first, by rules that are `Coerce`; "evolve" loads the columns that the table has, and says
            of the others how they could be added. Both then do as "quarantine".
        reject_at_most: with "quarantine", how many rows may be rejected before nothing is loaded: a
            number of rows, or as a float a share of the rows read, such as 0.01. By default, any.
        chunk_rows: how many rows go into one transaction of a load that is cut into chunks.

    Raises:
        DeclarationError: the parts do not fit together.
    """

    table: type[SQLModel]
    name: str
    layer: str
    source: Source
    rules: tuple[Rule, ...] = ()
    mode: Mode = _MERGE
    contract: Contract = "quarantine"
    reject_at_most: int | float | None = None
    chunk_rows: int = 250_000

    def __post_init__(self) -> None:
        where = f"load {self.name!r} ({self.layer})"
        columns = table_of(self.table).columns
        if not isinstance(self.source, OutsideSource | TableSource | QuerySource):
            raise DeclarationError(f"{where}: the source must be a CsvSource, TableSource or the like")
        if self.is_bronze and not isinstance(self.source, OutsideSource):
            raise DeclarationError(f"{where}: a bronze table is loaded from outside of the target")
        if self.is_bronze and self.rules:
            raise DeclarationError(f"{where}: a bronze table keeps rows as they come, so it takes no rules")
        if self.is_bronze and self.mode != Merge():
            raise DeclarationError(f"{where}: a bronze table keeps what it has, so it takes no mode")
        check_mode(self.mode, self.table, where)
        self._check_contract(where)
        self._check_watermark(where)
        if not isinstance(self.chunk_rows, int) or self.chunk_rows < 1:
            raise DeclarationError(
                f"{where}: chunk_rows must be a whole number from 1 on, not {self.chunk_rows!r}"
            )
        for rule in self.rules:
            for name in rule.columns if isinstance(rule, Unique) else (rule.column,):
                if name not in columns:
                    raise DeclarationError(
                        f"{where}: a rule names the column {name!r}, which is not in {self.full_table_name}"
                    )

    def _check_contract(self, where: str) -> None:
        if self.contract not in get_args(Contract):
            known = " or ".join(map(repr, get_args(Contract)))
            raise DeclarationError(f"{where}: the contract must be {known}, not {self.contract!r}")
        if self.is_bronze and self.contract in ("coerce", "evolve"):
            raise DeclarationError(f"{where}: a bronze table keeps rows as they come")
        if (self.contract == "coerce") != bool(self.coercions):
            raise DeclarationError(
                f'{where}: the contract "coerce" needs rules that are Coerce, and they need that contract'
            )
        for rule in self.coercions:
            if rule.cut and longest(self.table, rule.column) is None:
                raise DeclarationError(f"{where}: {rule.column} has no longest text to cut to")
        if self.contract == "evolve" and not isinstance(self.source, OutsideSource):
            raise DeclarationError(f'{where}: only a source outside of the target can "evolve"')
        most = self.reject_at_most
        if most is None:
            return
        if self.contract == "enforce":
            raise DeclarationError(f'{where}: "enforce" rejects no row, so reject_at_most means nothing')
        if isinstance(most, bool) or not isinstance(most, int | float) or not most >= 0:
            raise DeclarationError(
                f"{where}: reject_at_most must be a number of rows or a share, not {most!r}"
            )
        if isinstance(most, float) and most > 1:
            raise DeclarationError(f"{where}: reject_at_most is a share of more than all rows: {most!r}")

    def _check_watermark(self, where: str) -> None:
        watermark = self.source.watermark if isinstance(self.source, DatabaseSource) else None
        if watermark is None or self.is_bronze:
            return
        if isinstance(self.mode, Replace | History):
            raise DeclarationError(
                f"{where}: {type(self.mode).__name__}() needs all rows; with a watermark only new ones come",
                hint="leave the watermark out, or use Merge()",
            )
        if isinstance(self.mode, Append) and (watermark.inclusive or watermark.lag is not None):
            raise DeclarationError(
                f"{where}: rows around the watermark come again, which Append() would refuse",
                hint="use Merge() or InsertOnly(), or an exclusive watermark without a lag",
            )

    @property
    def id(self) -> str:
        """What the load is called in its datakit: `layer.name`."""
        return f"{self.layer}.{self.name}"

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
    def coercions(self) -> tuple[Coerce, ...]:
        """The rules that convert."""
        return tuple(rule for rule in self.rules if isinstance(rule, Coerce))

    @property
    def references(self) -> tuple[Reference, ...]:
        """The rules that are references."""
        return tuple(rule for rule in self.rules if isinstance(rule, Reference))

    @property
    def uniques(self) -> tuple[Unique, ...]:
        """The rules that are uniqueness."""
        return tuple(rule for rule in self.rules if isinstance(rule, Unique))


def load_with_transform(
    table: type[SQLModel],
    source: OutsideSource,
    row: Callable[[Any], Row | Sequence[Row] | None],
    *,
    reads: type[SQLModel],
    name: str,
    layer: str,
    **more: Any,
) -> Load:
    """A load of what a function makes of typed rows; for batches of columns see `TransformedSource`.

    Args:
        table: the typed table that the rows go into.
        source: where rows come from.
        row: gets each as an instance of `reads`; returns a row of the table, a list of them, or None.
        reads: the typed class that the source's rows are read as.
        name: of the load.
        layer: of the load.
        **more: what else a `Load` takes.
    """
    made = TransformedSource(of=source, row=row, reads=reads)
    return Load(table=table, name=name, layer=layer, source=made, **more)
