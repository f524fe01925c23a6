"""What every source outside of the target has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlmodel import SQLModel

if TYPE_CHECKING:
    import pyarrow as pa

    from .csv import CsvSource

__all__ = ["OutsideSource"]


@dataclass(frozen=True, kw_only=True)
class OutsideSource:
    """Rows from outside of the target.

    Args:
        name: what the source is called in errors, in the ledger and in `source_table`.
        system: the system that it comes from, for `source_system`.
        host: the host it was read from, for `source_host`.
        extraction_method: how the rows left the source, for a bronze table.
    """

    name: str
    system: str = ""
    host: str | None = None
    extraction_method: str = "file"

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The same rows as a CSV file that is written while it is read.

        Args:
            table: where they go, as far as it says how a value is written.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say its rows")

    def as_columns(self) -> tuple[pa.Schema, Iterator[pa.RecordBatch]] | None:
        """The same rows as batches of Arrow, and their schema; None where they do not come in columns."""
        return None
