"""`datakit verify`: whether targets hold what the sources offer."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.discovery import find_datakit
from ..errors import ContractError, TerminalError, TransientError
from .each import on_each
from .output import RunDisplay, console, make_table, say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument, ProgressOption

if TYPE_CHECKING:
    from ..verify.events import VerifyEvent
    from ..verify.result import ChunkDifference, LoadVerification, Verification

_COUNTS = ("source", "target", "rejected", "others", "chunks", "differ")


def verify(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    load: Annotated[
        list[str] | None,
        typer.Option("--load", metavar="NAME", help="Only loads of this name; may be given several times."),
    ] = None,
    chunk_rows: Annotated[
        int, typer.Option("--chunk-rows", metavar="N", min=1, help="How many rows are one chunk.")
    ] = 250_000,
    json: JsonOption = False,
    progress: ProgressOption = "auto",
) -> None:
    """Compare what sources offer with what targets hold; exit code 65 if anything differs.

    By count and checksum, chunk by chunk. Nothing is written. A load that cannot be compared is named with
    the reason.
    """
    from ..verify.events import LoadVerified
    from ..verify.verify import verify_datakit

    datakit = find_datakit(name)
    datakit.table_classes()
    with RunDisplay(program="datakit", quiet=json, progress=progress) as display:

        def show(event: VerifyEvent) -> None:
            if not isinstance(event, LoadVerified):
                display.show(event)

        found = on_each(
            target,
            folder,
            datakit.name,
            lambda each: verify_datakit(datakit, each, loads=load, chunk_rows=chunk_rows, on_event=show),
            _show,
            _fields,
            json=json,
        )
    differing = [f"{each.target}: {_named(one)}" for each in found for one in each.of("differs")]
    if differing:
        raise ContractError(
            f"datakit {datakit.name!r} differs from its sources in {'; '.join(differing)}",
            hint="if the sources changed since, load again: datakit run",
        )
    errors = [one.error for each in found for one in each.loads if one.error is not None]
    for error in errors:
        if isinstance(error, TransientError):
            raise error
    if errors and len(errors) == sum(len(each.loads) for each in found):
        raise TerminalError(
            f"datakit {datakit.name!r}: no load could be verified", hint=errors[0].hint or errors[0].message
        )


def _fields(found: Verification) -> dict[str, object]:
    return {
        "differs": found.differs,
        "seconds": round(found.seconds, 3),
        "loads": [_load_fields(load) for load in found.loads],
    }


def _load_fields(load: LoadVerification) -> dict[str, object]:
    compared = {} if load.comparison is None else asdict(load.comparison)
    return {
        "load": load.load,
        "layer": load.layer,
        "table": load.table,
        "status": load.status,
        "reason": load.reason,
        "seconds": round(load.seconds, 3),
        **compared,
    }


def _show(found: Verification) -> None:
    compared = [(load, load.comparison) for load in found.loads if load.comparison is not None]
    if compared:
        table = make_table("layer", "load", *_COUNTS, "status", numbers=frozenset(_COUNTS))
        for load, of in compared:
            differ = len(of.differences)
            counts = (of.source_rows, of.target_rows, of.rejected, of.others, of.chunks, differ)
            table.add_row(load.layer, load.load, *(f"{count:,}" for count in counts), load.status)
        console().print(table)
    for load in found.of("differs"):
        _show_differences(load)
    for load in found.of("not verified"):
        hint = f" ({load.error.hint})" if load.error is not None and load.error.hint else ""
        say(f"{_named(load)} cannot be verified: {load.reason}{hint}")
    say(
        f"{found.datakit} in {found.target}: of {len(found.loads)} loads {len(found.of('agrees'))} agree, "
        f"{len(found.of('differs'))} differ, {len(found.of('not verified'))} cannot be verified "
        f"({found.seconds:.2f} s)"
    )


def _show_differences(load: LoadVerification) -> None:
    of = load.comparison
    assert of is not None
    if of.altered:
        say(f"{_named(load)}: rows of the target that are not as they were written: {of.altered:,}")
    if of.rejected and load.contract == "enforce":
        say(f"{_named(load)}: rows of the source that break the contract, which is enforced: {of.rejected:,}")
    if not of.differences:
        return
    say(f"{_named(load)}: chunks that differ, by {', '.join(of.key) or 'the order of the source'}:")
    columns = ("source rows", "source checksum", "target rows", "target checksum")
    counts = ("missing", "changed", "extra")
    numbers = frozenset({"chunk", "source rows", "target rows", *counts})
    table = make_table("chunk", "from", "to", *columns, *counts, numbers=numbers)
    for chunk in of.differences:
        table.add_row(*_cells(chunk))
    console().print(table)


def _cells(chunk: ChunkDifference) -> list[str]:
    return [
        f"{chunk.number:,}",
        ", ".join(chunk.first),
        ", ".join(chunk.last),
        f"{chunk.source_rows:,}",
        chunk.source_checksum,
        f"{chunk.target_rows:,}",
        chunk.target_checksum,
        *(f"{count:,}" for count in (chunk.missing, chunk.changed, chunk.extra)),
    ]


def _named(load: LoadVerification) -> str:
    return f"{load.layer} {load.load}"
