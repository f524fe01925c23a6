"""Resources of dlt: its hundreds of connectors read, and this package loads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlmodel import SQLModel

from ...errors import ContractError
from ..streams import refuse_spent
from .arrow import columns_as_csv
from .csv import CsvSource
from .outside import OutsideSource
from .rows import Row, rows_as_csv

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DltSource"]


@dataclass(frozen=True, kw_only=True)
class DltSource(OutsideSource):
    """What a resource of dlt yields: objects, lists of objects, or tables and batches of Arrow.

    The names of columns are those that the resource yields. dlt's own state is not used: where a resource
    reads incrementally, the arguments that it is called with say from where on.

    Args:
        resource: returns the resource anew, such as `lambda: github.issues(...)`; called for each load, and
            again when a row breaks the contract of its table.
        columns: the names of the columns, where an object need not have all. By default those of the first.
        name, system, host, extraction_method: as of every source outside of the target.
    """

    resource: Callable[[], Iterable[Any]]
    columns: tuple[str, ...] | None = None
    extraction_method: str = "api"

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """What is yielded as records."""
        columns = self.as_columns()
        if columns is not None:
            return columns_as_csv(self, table, lambda: self.as_columns() or columns)
        return rows_as_csv(self, table, self.columns, lambda: enumerate(self._rows(), 1), "row")

    def as_columns(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]] | None:
        """What is yielded, where that is Arrow."""
        # Whether it is Arrow, only a first item tells.
        refuse_spent(self.resource, self.name)
        items = iter(self.resource())
        first = next(items, None)
        if first is None or not _is_arrow(first):
            return None
        return first.schema, (batch for item in chain([first], items) for batch in self._batches(item))

    def _batches(self, item: Any) -> Iterable[pa.RecordBatch]:
        if not _is_arrow(item):
            raise ContractError(f"{self.name} yields Arrow first, and then a {type(item).__name__}")
        return item.to_batches() if hasattr(item, "to_batches") else [item]

    def _rows(self) -> Iterator[Row]:
        for item in self.resource():
            if isinstance(item, Mapping):
                yield item
            elif isinstance(item, list) and all(isinstance(each, Mapping) for each in item):
                yield from item
            else:
                raise ContractError(
                    f"{self.name} yields a {type(item).__name__}, which is neither rows nor Arrow"
                )


def _is_arrow(item: object) -> bool:
    return type(item).__module__.partition(".")[0] == "pyarrow"
