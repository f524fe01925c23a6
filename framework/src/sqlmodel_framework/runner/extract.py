"""The step that takes tables out of a source database, whatever reads them: bronze tables and their rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

from pydantic import JsonValue
from sqlmodel import SQLModel

from ..base.models import BronzeTableMixin
from ..base.tables import own_columns, table_of
from ..errors import TerminalError
from ..loading.extraction import ColumnWindow, Extraction
from ..loading.load import Load
from ..loading.sources import CsvSource, DatabaseSource
from .step import Step, StepContext
from .steps import carry_out

__all__ = ["OpenRows", "extract_step"]

OpenRows = Callable[[StepContext, Extraction], BinaryIO]
"""Opens the rows of an extraction from the context's source.

They come as `sqlmodel_framework.loading.csv_text` writes them, after a header line with the columns' names.
Reading raises what goes wrong in the source, as a `DatakitError`; closing early ends the reading.
"""

PARAMETERS = frozenset({"tables", "window_column", "system"})


def extract_step(open_rows: OpenRows | None = None, *, parameters: frozenset[str] = frozenset()) -> Step:
    """A step named `extract`, which appends rows of a source's tables to a datakit's bronze tables.

    What the same source has brought before is not written again. Each table is one transaction, or from
    PostgreSQL to PostgreSQL one for each chunk, with a checkpoint. The tables have to be deployed.

    Its parameters, all optional: `tables`, an object from the name of a bronze table to that of the table in
    the source, where without it every bronze table of the datakit is filled from the table of its own name,
    without its schema; `window_column`, the source's column that the specification's window is about;
    `system`, what the source is called in `source_system`, by default the source's name.

    Args:
        open_rows: opens the rows; by default the engine for the source's database reads them.
        parameters: the names of further parameters, which `open_rows` reads.
    """

    def extract(context: StepContext) -> None:
        carry_out(context, ("load",), replace(context.datakit(), loads=_loads(context, open_rows), checks=()))

    return Step(
        name="extract",
        summary="Append rows of the source's tables to the datakit's bronze tables.",
        run=extract,
        needs_source=True,
        parameters=PARAMETERS | parameters,
    )


def _loads(context: StepContext, open_rows: OpenRows | None) -> tuple[Load, ...]:
    assert context.source is not None
    source = context.source
    datakit = context.datakit()
    classes = {
        table_of(cls).fullname: cls for cls in datakit.table_classes() if issubclass(cls, BronzeTableMixin)
    }
    if not classes:
        raise TerminalError(f"datakit {datakit.name!r} has no bronze table to extract into")
    wanted = _tables(context.spec.parameters.get("tables"), tuple(classes))
    column = _window_column(context)
    system = _text("system", context.spec.parameters.get("system")) or source.name
    loads = []
    for bronze, origin in wanted.items():
        window = context.spec.window
        found = DatabaseSource(
            target=source,
            table=origin,
            columns=tuple(own.name for own in own_columns(classes[bronze])),
            window=ColumnWindow(column=column, start=window.start, end=window.end)
            if window is not None and column is not None
            else None,
            system=system,
        )
        loads.append(
            Load(
                table=classes[bronze],
                name=origin,
                layer="bronze",
                source=found if open_rows is None else _opened(context, open_rows, found, classes[bronze]),
            )
        )
    return tuple(loads)


def _opened(
    context: StepContext, open_rows: OpenRows, source: DatabaseSource, table: type[SQLModel]
) -> CsvSource:
    extraction = source.extraction(table)
    return CsvSource(
        open=lambda: open_rows(context, extraction),
        name=source.name,
        system=source.system,
        host=source.host,
        null="",
        extraction_method=source.extraction_method,
    )


def _tables(given: JsonValue, known: tuple[str, ...]) -> dict[str, str]:
    if given is None:
        return {name: name.rpartition(".")[2] for name in known}
    if not isinstance(given, dict) or not given:
        raise TerminalError(
            "the parameter 'tables' is no object that names tables",
            hint='write {"bronze table": "table of the source"}',
        )
    for name in given:
        if name not in known:
            raise TerminalError(
                f"the parameter 'tables' names {name!r}, which is no bronze table of the datakit",
                hint=f"there are: {', '.join(known)}",
            )
    return {name: _text(f"tables.{name}", origin) or "" for name, origin in given.items()}


def _window_column(context: StepContext) -> str | None:
    column = _text("window_column", context.spec.parameters.get("window_column"))
    if (column is None) != (context.spec.window is None):
        raise TerminalError(
            "a window needs the parameter 'window_column', and the other way round",
            hint="give both for the rows of a span of time, or neither for the whole table",
        )
    return column


def _text(name: str, value: JsonValue) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise TerminalError(f"the parameter {name!r} is {value!r}, not a text with something in it")
