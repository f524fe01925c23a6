"""From where to where an incremental load reads: after what the ledger says that the last one had reached."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from ..loading.extraction import ColumnRange, ColumnWindow, Extraction, written_out
from ..loading.load import Load
from ..loading.sources import DatabaseSource
from ..loading.watermark import Mark, Watermark, earlier, mark_text, read_mark
from . import ledger

if TYPE_CHECKING:
    from ..engines.base import BaseEngine
    from .spec import Window

__all__ = ["bounded", "reached"]


def bounded(engine: BaseEngine, load: Load, datakit: str, window: Window | None) -> Load:
    """The load, cut down to what it is to read now; one without a watermark stays as it is.

    Args:
        engine: the target's, connected.
        load: the load.
        datakit: the datakit's name.
        window: read these rows instead, whatever was loaded before; the watermark stays where it is then.

    Raises:
        TerminalError: the watermark's column has another type than before, or than its lag.
    """
    source = load.source
    if not isinstance(source, DatabaseSource) or source.watermark is None:
        return load
    watermark = source.watermark
    part: ColumnRange | ColumnWindow
    if window is not None:
        part = ColumnWindow(column=watermark.column, start=window.start, end=window.end)
    else:
        with engine.transaction() as connection:
            last = _last_mark(connection, load, datakit)
        part = _range(watermark, last, _greatest(source, watermark.column))
    return replace(load, source=replace(source, window=part, watermark=None))


def reached(load: Load) -> tuple[str | None, str | None]:
    """What a load that `bounded` has cut down began with, and where it ends: what the ledger is to know."""
    part = load.source.window if isinstance(load.source, DatabaseSource) else None
    match part:
        case ColumnRange(low=low, high=high):
            return (None if low is None else mark_text(low)), (None if high is None else mark_text(high))
        case _:
            return None, None


def _range(watermark: Watermark, last: str | None, greatest: Mark | None) -> ColumnRange:
    column = watermark.column
    if greatest is None:
        # Nothing to read but rows without a value, so nothing is reached either.
        return ColumnRange(column=column)
    if last is None:
        return ColumnRange(column=column, low=watermark.start, high=greatest)
    low = read_mark(last, greatest, column)
    # A source that lost its newest rows does not take the watermark back.
    high = max(low, greatest)
    return ColumnRange(
        column=column, low=earlier(low, watermark.lag, column), low_inclusive=watermark.inclusive, high=high
    )


def _greatest(source: DatabaseSource, column: str) -> Mark | None:
    from ..engines.registry import engine_for

    dialect = source.database.dialect
    # As the database has it, and not as text, whose order would be another.
    extraction = Extraction(table=source.table, columns=())
    rows: list[dict[str, Any]] = engine_for(source.database).read_rows(
        written_out(extraction.greatest(column), dialect)
    )
    found: Mark | None = rows[0]["greatest"]
    return found


def _last_mark(connection: Connection, load: Load, datakit: str) -> str | None:
    loads, runs = ledger.table(ledger.LoadRecord), ledger.table(ledger.RunRecord)
    query = (
        select(loads.c.watermark)
        .join(runs, runs.c.run_id == loads.c.run_id)
        .where(
            runs.c.datakit == datakit,
            loads.c.table_name == load.full_table_name,
            loads.c.load_name == load.name,
            loads.c.source == ledger.source_text(load),
            loads.c.watermark.is_not(None),
        )
        .order_by(loads.c.load_id.desc())
        .limit(1)
    )
    mark: str | None = connection.execute(query).scalar()
    return mark
