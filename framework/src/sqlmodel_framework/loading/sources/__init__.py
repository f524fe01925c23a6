"""Where the rows of a load come from.

Sources inside of the target are read by the target itself. Every other one can say its rows as CSV, which
is how they travel where nothing faster is known.
"""

from .arrow import ArrowSource, ParquetSource
from .csv import CsvSource
from .database import DatabaseSource
from .inside import QuerySource, TableSource
from .outside import OutsideSource
from .rows import JsonLinesSource, RowSource

__all__ = [
    "ArrowSource",
    "CsvSource",
    "DatabaseSource",
    "JsonLinesSource",
    "OutsideSource",
    "ParquetSource",
    "QuerySource",
    "RowSource",
    "Source",
    "TableSource",
]

Source = OutsideSource | TableSource | QuerySource
