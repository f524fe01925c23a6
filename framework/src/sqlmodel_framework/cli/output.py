"""What people see of a run: progress on stderr, a summary on stdout."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..errors import DatakitError
from ..runs.event_lines import EventLines
from ..runs.events import Checked, Deployed, Event, LoadFinished, LoadProgressed, LoadSkipped, LoadStarted
from ..runs.result import LoadResult, RunResult, addition
from .place import Place

__all__ = ["ProgressKind", "RunDisplay", "error_fields", "make_table", "print_json", "say"]

# Without a terminal there is no width to keep to, and a table that is cut is of no use.
_WIDE = 200


def print_json(**values: Any) -> None:
    """Print one JSON object on its own line, at once."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def error_fields(error: DatakitError | None) -> dict[str, Any]:
    """What JSON says of an error; without one, that all is well."""
    if error is None:
        return {"error": None, "hint": None, "exit_code": 0}
    return {"error": error.message, "hint": error.hint, "exit_code": error.exit_code}


def console() -> Console:
    """Standard output, as wide as the terminal."""
    return Console(
        width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False, soft_wrap=False
    )


def say(text: str = "") -> None:
    """Print a line on standard output, never folded: it may hold a path or a command."""
    sys.stdout.write(f"{text}\n")


def make_table(*columns: str, numbers: frozenset[str] = frozenset()) -> Table:
    """An empty table; the columns named in `numbers` are set to the right."""
    table = Table(header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in numbers else "left")
    return table


ProgressKind = Literal["auto", "rich", "json", "none"]
"""How progress is shown; "auto" is a bar on a terminal, JSON lines elsewhere, and nothing beside JSON."""


class RunDisplay:
    """Shows a run: each load while it works, then everything in a table.

    Args:
        program: what the command is called.
        quiet: whether standard output is JSON alone, without a summary.
        progress: how progress is shown.
    """

    def __init__(self, *, program: str, quiet: bool, progress: ProgressKind = "auto") -> None:
        self._program = program
        self._quiet = quiet
        errors = Console(stderr=True, highlight=False, force_terminal=True if progress == "rich" else None)
        if progress == "auto":
            progress = "none" if quiet else "rich" if errors.is_terminal else "json"
        self._lines = EventLines(_json_line) if progress == "json" else None
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.fields[detail]}", markup=False),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=progress != "rich",
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Show an event of a run, or of whatever else goes through loads."""
        if self._lines is not None:
            self._lines(event)
        match event:
            case Deployed():
                self._task = self._progress.add_task("deployed", total=None, detail="")
            case (
                LoadStarted(table=table, layer=layer, number=number, total=total)
                | LoadSkipped(table=table, layer=layer, number=number, total=total)
            ):
                if self._task is None:
                    self._task = self._progress.add_task("", total=None, detail="")
                self._progress.update(
                    self._task, description=f"{layer} {table}", completed=number - 1, total=total, detail=""
                )
            case LoadProgressed(bytes_read=read) if self._task is not None:
                self._progress.update(self._task, detail=f"{read / 1e6:.1f} MB read")
            case LoadFinished(result=result) if self._task is not None:
                self._progress.advance(self._task)
                self._progress.update(self._task, detail=f"{result.loaded:,} rows loaded")
            case Checked(result=check) if self._task is not None:
                self._progress.update(self._task, description=f"check {check.name}", detail="")

    def summarise(self, result: RunResult, place: Place, example: str) -> None:
        """Print what the run did, and a query to begin with, unless only JSON is wanted."""
        self._progress.stop()
        if self._quiet:
            return
        out = console()
        numbers = ("read", "accepted", "rejected", "loaded", "rows/s")
        table = make_table("layer", "table", *numbers, numbers=frozenset(numbers))
        for load in result.loads:
            counts = (load.read, load.accepted, load.rejected, load.loaded, load.rows_per_second)
            table.add_row(load.layer, load.table, *(f"{number:,}" for number in counts))
        out.print(table)
        _explain(out, "Kept, by a declared rule", [(load, load.kept) for load in result.loads])
        _explain(
            out,
            "In quarantine (datakit.quarantine), and why",
            [(load, load.reasons) for load in result.loads],
        )
        _announce(result)
        if result.checks:
            good = len(result.checks) - len(result.failed_checks)
            say(f"\nChecks: {good} of {len(result.checks)} good.")
            for check in result.failed_checks:
                say(f"  {check.name}: {check.offending:,} ({check.because})")
        say()
        if result.loaded:
            say(f"{result.loaded:,} rows loaded in {result.seconds:.1f} s.")
        else:
            say(f"nothing new: 0 rows loaded ({result.seconds:.1f} s).")
        where, option = _where(place)
        say(f"Database: {where}")
        say(f"Query it: {self._program} query {shlex.quote(example)} {option}")
        if result.report is not None:
            say(f"Report:   {result.report}")


def _json_line(what: str, values: Mapping[str, Any]) -> None:
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    line = json.dumps({"event": what, **values, "timestamp": timestamp}, ensure_ascii=False, default=str)
    # That nobody reads it is no reason to end the run.
    with suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def _announce(result: RunResult) -> None:
    """Say which columns of a source are in no table, and what would bring them in."""
    found = [(load, name, type_) for load in result.loads for name, type_ in load.new_columns.items()]
    if found:
        say("\nNew columns, not loaded; declare them, and look at `datakit plan`:")
        for load, name, type_ in found:
            say(f"  {load.layer} {load.table}: {addition(name, type_)}    # {type_}")


def _explain(out: Console, title: str, groups: list[tuple[LoadResult, Any]]) -> None:
    lines = [
        (f"  {load.layer} {load.table}: ", f"{rows:,}", f" {text}")
        for load, counts in groups
        for text, rows in counts.items()
        if rows
    ]
    if not lines:
        return
    out.print(f"\n{title}:")
    for start, rows, text in lines:
        out.print(Text.assemble(start, (rows, "bold"), text), soft_wrap=True)


def _where(place: Place) -> tuple[str, str]:
    if place.embedded:
        return f"{place.folder / 'database'} (PostgreSQL)", f"--folder {shlex.quote(str(place.folder))}"
    target = place.target
    url = f" ({target.place})" if target.name != target.place else ""
    return f"{target.name}{url}", f"--target {shlex.quote(target.name)}"
