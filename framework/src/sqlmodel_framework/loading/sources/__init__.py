"""Where the rows of a load come from.

Sources inside of the target are read by the target itself. Every other one can say its rows as CSV, which
is how they travel where nothing faster is known.
"""

from .arrow import ArrowSource, ParquetSource
from .csv import CsvSource
from .database import DatabaseSource
from .dlt import DltSource
from .inside import QuerySource, TableSource
from .outside import OutsideSource
from .rows import JsonLinesSource, RowSource
from .transformed import TransformedSource

__all__ = [
    "ArrowSource",
    "CsvSource",
    "DatabaseSource",
    "DltSource",
    "JsonLinesSource",
    "OutsideSource",
    "ParquetSource",
    "QuerySource",
    "RowSource",
    "Source",
    "TableSource",
    "TransformedSource",
]

Source = OutsideSource | TableSource | QuerySource
