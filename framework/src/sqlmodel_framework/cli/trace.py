"""`datakit trace`: which run wrote a row, in which image, and who asked for it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from ..base.discovery import find_datakit
from ..errors import TerminalError
from .each import on_each
from .output import say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument

if TYPE_CHECKING:
    from ..runs.origin import Origin
    from ..targets.target import Target

_BECAUSE = {
    "run id": "the row holds the run's id",
    "time": "the row was written while this load was under way",
    "latest load": "the latest load of the table, whose rows do not say when they were written",
}


def trace(
    name: NameArgument,
    table: Annotated[
        str | None, typer.Argument(metavar="TABLE", help="The row's table, as schema.name.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Argument(metavar="COLUMN=VALUE", help="What identifies the row.")
    ] = None,
    run: Annotated[
        UUID | None, typer.Option("--run", metavar="ID", help="A run's id, instead of a row.")
    ] = None,
    target: TargetsOption = None,
    folder: FolderOption = None,
    json: JsonOption = False,
) -> None:
    """Say which load of which run wrote a row, in which image, and which task asked for it."""
    from ..runs.origin import origin_of_row, origin_of_run

    datakit = find_datakit(name)
    if (run is None) == (table is None):
        raise TerminalError("what is to be traced?", hint="name a row, TABLE COLUMN=VALUE, or --run ID")
    wanted = dict(_pair(text) for text in key or ())

    def work(each: Target) -> Origin:
        if run is not None:
            return origin_of_run(run, each)
        return origin_of_row(datakit, each, str(table), wanted)

    on_each(target, folder, datakit.name, work, _show, _fields, json=json)


def _pair(text: str) -> tuple[str, str]:
    column, equals, value = text.partition("=")
    if not equals:
        raise TerminalError(f"{text!r} names no value", hint="write COLUMN=VALUE")
    return column, value


def _show(origin: Origin) -> None:
    lines = [("target", origin.target)]
    if origin.evidence is not None:
        lines += [("load", origin.load or "not finished"), ("because", _BECAUSE[origin.evidence])]
    if origin.written_at is not None:
        lines.append(("written", origin.written_at.isoformat(sep=" ", timespec="seconds")))
    lines += [
        ("run", f"{origin.run_id}, {origin.status}"),
        ("began", origin.started_at.isoformat(sep=" ", timespec="seconds")),
        ("datakit", f"{origin.datakit} {origin.version}, {origin.fingerprint}"),
        ("image", origin.image_digest or "none was told"),
    ]
    by = origin.requested_by
    if by is None:
        lines.append(("asked by", "nobody told"))
    else:
        asked = (("workflow", by.workflow), ("its run", by.workflow_run), ("task", by.task))
        lines += [("asked by", by.system), *asked, ("attempt", str(by.attempt))]
    for label, value in lines:
        say(f"{label:<10}{value}")


def _fields(origin: Origin) -> dict[str, object]:
    by = origin.requested_by
    return asdict(origin) | {"requested_by": None if by is None else by.model_dump()}
