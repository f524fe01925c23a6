"""`datakit query`: look at what is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..engines.registry import engine_for
from ..errors import TargetError
from ..targets.target import Target
from .output import console, make_table, print_json, say
from .place import JsonOption, TargetOption, named_target, open_embedded


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A statement; quote it for the shell.")],
    target: TargetOption = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="The folder of an embedded PostgreSQL."),
    ] = None,
    json: JsonOption = False,
    write: Annotated[bool, typer.Option("--write", help="Allow the statement to change data.")] = False,
) -> None:
    """Run one SQL statement and print its rows; it cannot change anything unless --write is given."""
    with _open(target, folder) as opened:
        engine = engine_for(opened)
        rows = engine.write_rows(sql) if write else engine.read_rows(sql)
    if json:
        for row in rows:
            print_json(**row)
        return
    if rows:
        table = make_table(*rows[0])
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        console().print(table)
    say(f"{len(rows):,} rows")


@contextmanager
def _open(target: str | None, folder: Path | None) -> Iterator[Target]:
    if target is not None and folder is not None:
        raise TargetError("--target and --folder name two databases", hint="give one of them")
    if folder is not None:
        folder = folder.expanduser().absolute()
        if not (folder / "database" / "PG_VERSION").is_file():
            raise TargetError(
                f"there is no database in {folder}", hint="datakit run NAME --folder DIR makes one"
            )
        with open_embedded(folder) as embedded:
            yield embedded
        return
    named = named_target(target)
    if named is None:
        raise TargetError("which database?", hint="give --folder DIR or --target NAME")
    yield named
