"""CSV files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from sqlmodel import SQLModel

from .outside import OutsideSource

__all__ = ["CsvSource"]


@dataclass(frozen=True, kw_only=True)
class CsvSource(OutsideSource):
    """Rows of a CSV file: UTF-8, comma, double quotes, a header line.

    The header's names must be the table's own columns, in any order.

    Args:
        open: returns the file, opened in binary mode; called for each load, and again when a row breaks the
            contract of its table.
        null: text that stands for NULL when it is not in quotes. None keeps every value as it
            comes: an empty field is then an empty text, not NULL.
        name, system, host, extraction_method: as of every source outside of the target.
    """

    open: Callable[[], BinaryIO]
    null: str | None = None

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """Itself."""
        return self
