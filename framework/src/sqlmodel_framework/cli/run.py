"""`datakit run`: deploy, load, check, report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.discovery import find_datakit
from ..base.tables import table_of
from ..errors import TerminalError
from .output import ProgressKind, RunDisplay, print_json
from .place import FolderOption, JsonOption, TargetOption, named_target, open_place

if TYPE_CHECKING:
    from ..runs.events import Event
    from ..runs.spec import Window

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="An installed datakit, or a module.")]
ProgressOption = Annotated[
    ProgressKind,
    typer.Option(
        "--progress",
        help="How progress is shown on standard error: a bar for people (rich), a JSON object for each event "
        "(json), or not at all (none). auto: a bar on a terminal, JSON elsewhere, nothing beside --json.",
    ),
]


def run(
    context: typer.Context,
    name: NameArgument,
    target: TargetOption = None,
    folder: FolderOption = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="MOMENT", help="Load again, of sources with a watermark, the rows from here on."
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="MOMENT", help="And before here; in UTC without a zone.")
    ] = None,
    json: JsonOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Deploy a datakit, run its loads and checks, and write its report.

    Without a target everything happens in the embedded PostgreSQL of a folder.
    """
    from ..runs.events import LoadFinished
    from ..runs.run import ChecksFailedError, run_datakit

    chosen = named_target(target)
    window = _window(start, end)
    datakit = find_datakit(name)
    tables = datakit.table_classes()
    filled = [load.full_table_name for load in datakit.loads]
    example = f"SELECT * FROM {filled[-1] if filled else table_of(tables[-1]).fullname} LIMIT 5"
    program = context.find_root().info_name or "datakit"
    with (
        open_place(chosen, folder, datakit.name) as place,
        RunDisplay(program=program, quiet=json, progress=progress) as display,
    ):

        def show(event: Event) -> None:
            if json and isinstance(event, LoadFinished):
                print_json(
                    table=event.result.table,
                    layer=event.result.layer,
                    read=event.result.read,
                    accepted=event.result.accepted,
                    rejected=event.result.rejected,
                    loaded=event.result.loaded,
                    seconds=round(event.result.seconds, 3),
                    rows_per_second=event.result.rows_per_second,
                    kept=dict(event.result.kept),
                    reasons=dict(event.result.reasons),
                    new_columns=dict(event.result.new_columns),
                )
            display.show(event)

        try:
            result = run_datakit(datakit, place.target, folder=place.folder, on_event=show, window=window)
        except ChecksFailedError as error:
            display.summarise(error.result, place, example)
            raise
        display.summarise(result, place, example)


def _window(start: str | None, end: str | None) -> Window | None:
    from ..runs.spec import Window

    if start is None and end is None:
        return None
    if start is None or end is None:
        raise TerminalError("a window has two ends", hint="give both --from and --to")
    first, last = _moment("--from", start), _moment("--to", end)
    if last <= first:
        raise TerminalError(f"the window ends at {end}, which is not after its start {start}")
    return Window(start=first, end=last)


def _moment(option: str, given: str) -> datetime:
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise TerminalError(
            f"{option} {given}: that is no moment",
            hint="write one like 2024-01-31 or 2024-01-31T12:00:00+01:00",
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
