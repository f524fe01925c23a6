"""Measured values, printed as a table or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

__all__ = ["Figure", "report"]

_FIELDS = ("case", "value", "unit", "limit", "better")


@dataclass(frozen=True)
class Figure:
    """One measured value.

    Attributes:
        case: what was measured.
        value: the value.
        unit: MB (10^6 bytes), s, or nothing.
        limit: what it may be at most or should be at least; None where there is none yet.
        better: which way is better.
        note: more for people, such as what is usual; only the table shows it.
    """

    case: str
    value: float
    unit: str
    limit: float | None
    better: Literal["lower", "higher"] = "lower"
    note: str = ""

    @property
    def good(self) -> bool:
        """Whether the limit is kept."""
        if self.limit is None:
            return True
        return self.value <= self.limit if self.better == "lower" else self.value >= self.limit


def report(figures: Iterable[Figure], *, as_json: bool, note: str = "") -> bool:
    """Print figures to stdout: as JSON one object a line as they come, else a table at the end.

    Args:
        figures: what is measured, one after the other.
        as_json: whether JSON is wanted.
        note: what the table calls the column of notes.

    Returns:
        Whether every limit is kept.
    """
    found: list[Figure] = []
    for figure in figures:
        found.append(figure)
        if as_json:
            print(json.dumps({field: getattr(figure, field) for field in _FIELDS}), flush=True)
    if not as_json:
        _show(found, note)
    return all(figure.good for figure in found)


def _show(figures: list[Figure], note: str) -> None:
    table = Table("case", "value", "unit", "limit", "", note, pad_edge=False)
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g}"
        verdict = "" if figure.limit is None else "good" if figure.good else "BROKEN"
        table.add_row(figure.case, f"{figure.value:g}", figure.unit, limit, verdict, figure.note)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
