"""`datakit fill`: made up rows for every table of a datakit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..base.discovery import find_datakit
from ..base.tables import table_of
from .output import RunDisplay, print_json, say
from .place import FolderOption, JsonOption, TargetOption, named_target, open_place
from .run import NameArgument, ProgressOption

if TYPE_CHECKING:
    from ..factories.filling import Filling
    from ..runs.events import Event


def fill(
    context: typer.Context,
    name: NameArgument,
    rows: Annotated[int, typer.Option("--rows", metavar="N", min=0, help="How many rows each table gets.")],
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed makes the same rows.")] = 0,
    target: TargetOption = None,
    folder: FolderOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be loaded; no database is touched.")
    ] = False,
    json: JsonOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Deploy a datakit, and load synthetic rows into its tables, which keep to all that it declares.

    Without a target everything happens in the embedded PostgreSQL of a folder.
    """
    from ..factories.filling import fill as fill_tables
    from ..factories.filling import plan_filling
    from ..runs.events import LoadFinished

    chosen = named_target(target)
    datakit = find_datakit(name)
    # What cannot be made up is found before a server is started.
    planned = plan_filling(datakit, chosen, rows=rows, seed=seed)
    if dry_run:
        _show(planned, json=json)
        return
    tables = [*(table_of(cls).fullname for cls in datakit.table_classes()), *planned.counts]
    example = f"SELECT * FROM {tables[-1]} LIMIT 5"
    program = context.find_root().info_name or "datakit"
    with (
        open_place(chosen, folder, datakit.name) as place,
        RunDisplay(program=program, quiet=json, progress=progress) as display,
    ):

        def show(event: Event) -> None:
            if json and isinstance(event, LoadFinished):
                done = event.result
                print_json(table=done.table, loaded=done.loaded, seconds=round(done.seconds, 3))
            display.show(event)

        result = fill_tables(datakit, place.target, rows=rows, seed=seed, on_event=show)
        display.summarise(result, place, example)


def _show(planned: Filling, *, json: bool) -> None:
    for table, count in planned.counts.items():
        if json:
            print_json(table=table, rows=count)
        else:
            say(f"{table}: {count:,} rows")
    if not json:
        say("Nothing was loaded.")
