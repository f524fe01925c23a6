"""Whether a source can be read again, after the load that read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import TerminalError
from ..loading.sources import ArrowSource, CsvSource, JsonLinesSource, OutsideSource, RowSource, Source

__all__ = ["refuse_spent_source"]


def refuse_spent_source(source: Source) -> None:
    """Refuse a source that offers its rows only once: it would look empty.

    Raises:
        TerminalError: it does.
    """
    function = _function(source)
    if function is not None and _is_spent(function):
        assert isinstance(source, OutsideSource)
        raise TerminalError(
            f"{source.name} cannot be read again: its function returns the same iterator each time",
            hint="return a new one, such as a call of a generator function",
        )


def _function(source: Source) -> Callable[[], Any] | None:
    match source:
        case RowSource():
            return source.rows
        case ArrowSource():
            return source.batches
        case CsvSource() | JsonLinesSource():
            return source.open
    return None


def _is_spent(function: Callable[[], Any]) -> bool:
    try:
        once, again = function(), function()
    except OSError:
        # Who reads it will say what is wrong with it.
        return False
    if once is again:
        # A list is the same each time too, and can be gone through again.
        return not hasattr(once, "__iter__") or iter(once) is once
    for opened in (once, again):
        close = getattr(opened, "close", None)
        if callable(close):
            close()
    return False
