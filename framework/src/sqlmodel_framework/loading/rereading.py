"""Whether a source can be read again: to look for a broken row, and to verify what was loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .sources import (
    ArrowSource,
    CsvSource,
    DltSource,
    JsonLinesSource,
    OutsideSource,
    RowSource,
    Source,
    TransformedSource,
)
from .streams import refuse_spent

__all__ = ["refuse_spent_source"]


def refuse_spent_source(source: Source) -> None:
    """Refuse a source that offers its rows only once: it would look empty.

    Raises:
        TerminalError: it does.
    """
    function = _function(source)
    if function is not None:
        assert isinstance(source, OutsideSource)
        refuse_spent(function, source.name)


def _function(source: Source) -> Callable[[], Any] | None:
    match source:
        case RowSource():
            return source.rows
        case ArrowSource():
            return source.batches
        case CsvSource() | JsonLinesSource():
            return source.open
        case DltSource():
            return source.resource
        case TransformedSource():
            return _function(source.of)
    return None
