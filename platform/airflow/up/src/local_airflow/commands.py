"""`up` and `down`."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from datakit_testing.engine import LAUNCHER_MARKER
from rich.console import Console
from sqlmodel_framework.errors import DatakitError, StoppedError, TerminalError, UnavailableError

from .background import Running, end, find_running, listen, start
from .build import VARIABLE, find_build
from .credentials import TARGET, USER, write_credentials
from .dags import write_dags
from .folder import Folder, chosen_folder
from .progress import follow, read_progress

__all__ = ["down", "main", "up"]

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)

FolderOption = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="DIR", help="Where it keeps its files; below the cache folder if not given."
    ),
]


def up(
    folder: FolderOption = None,
    port: Annotated[int, typer.Option(help="Airflow's, on 127.0.0.1; 0 for any that is free.")] = 8080,
    target_port: Annotated[int, typer.Option(help="The target's, likewise.")] = 5433,
) -> None:
    """Start a local Airflow with PostgreSQL, the flights DAG and its target, on 127.0.0.1 only."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    _refuse_without_podman()
    place = chosen_folder(folder)
    with place.claimed():
        running = find_running(place)
        if running is not None and running.is_alive and _is_ready(place):
            console.print("It is up already.")
            _describe(place, running, password=None)
            return
        if place.in_use:
            console.print("An earlier one ended before its time: what it left behind is removed first.")
            _remove(place)
        running, password = _started(place, port, target_port, console)
        _describe(place, running, password=password)


def down(folder: FolderOption = None) -> None:
    """End the local Airflow and remove all of it: containers, images, files, and the target's rows."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    place = chosen_folder(folder)
    with place.claimed():
        if not place.in_use:
            console.print(f"Nothing is up in {place.path}.")
            return
        with console.status("removing it"):
            _remove(place)
    console.print(f"It is down, and {place.path} is gone.")


def _started(place: Folder, port: int, target_port: int, console: Console) -> tuple[Running, str]:
    with listen(port, "--port") as airflow, listen(target_port, "--target-port") as target:
        build = find_build()
        place.begin()
        try:
            password = write_credentials(place)
            write_dags(build.dags, build.description, place.dags, build.references())
            running = start(place, airflow, target, {**os.environ, VARIABLE: _absolute()})
            told = follow(place.progress, lambda: running.is_alive, console)
            if told is None:
                last = place.log.read_text(errors="replace").strip().splitlines()[-5:]
                raise UnavailableError(
                    "it ended before it was up", hint="its last words:\n" + "\n".join(last)
                )
            if told.failed:
                raise UnavailableError("it could not be started", hint=told.failed)
        except BaseException:
            _remove(place)
            raise
    return running, password


def _remove(place: Folder) -> None:
    running = find_running(place)
    if running is not None:
        end(running)
    place.clear()


def _is_ready(place: Folder) -> bool:
    told = read_progress(place.progress)
    return told is not None and told.ready


def _absolute() -> str:
    """The paths of the build's outputs, for a process in another folder."""
    paths = json.loads(os.environ[VARIABLE])
    return json.dumps({name: str(Path(path).absolute()) for name, path in paths.items()})


def _refuse_without_podman() -> None:
    if not LAUNCHER_MARKER.exists():
        raise TerminalError(
            "this runs in the root of ./bazelw, whose podman needs nothing from the machine",
            hint="elsewhere, run platform/airflow/compose/compose.yaml with your own engine",
        )
    if os.geteuid() != 0:
        raise TerminalError(
            "containers need more than one user id, and this program has one",
            hint="call it as DATAKIT_RUN_AS_ROOT=1 ./bazelw run //platform/airflow:up",
        )


def _describe(place: Folder, running: Running, password: str | None) -> None:
    address = f"http://127.0.0.1:{running.port}"
    lines = {
        "Airflow": address,
        "user": USER,
        "password": password if password is not None else f"in {place.password}",
        "target": f"postgresql://{TARGET}@127.0.0.1:{running.target_port}/{TARGET}",
        "": f"its password is in {place.secrets / 'target_password'}",
        "run flights": f"{address}/dags/flights, then Trigger",
        "log": str(place.log),
        "remove it": "./bazelw run //platform/airflow:down" + _folder_option(place),
    }
    sys.stdout.write("\n" + "".join(f"{name:<13}{value}\n" for name, value in lines.items()))


def _folder_option(place: Folder) -> str:
    return "" if place.path == chosen_folder(None).path else f" -- --folder {shlex.quote(str(place.path))}"


class _InterruptedError(StoppedError):
    """Somebody wants this to end."""

    def __init__(self, number: int) -> None:
        super().__init__("interrupted: nothing is left")
        self.exit_code = 128 + number


def _interrupt(number: int, _frame: FrameType | None) -> None:
    for one in _INTERRUPTIONS:
        signal.signal(one, signal.SIG_IGN)  # removing what was begun is not interrupted again
    raise _InterruptedError(number)


def main(command: Callable[..., None]) -> int:
    """Runs one of the commands, and returns its exit code; what is wrong is told in a line or two."""
    for number in _INTERRUPTIONS:
        signal.signal(number, _interrupt)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app()
    except DatakitError as error:
        sys.stderr.write(f"{error.message}\n" + (f"{error.hint}\n" if error.hint else ""))
        return error.exit_code
    return 0
