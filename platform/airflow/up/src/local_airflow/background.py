"""The process that stays: containers live in its namespaces, so that its end is the end of all of them."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlmodel_framework.errors import LockedError, UnavailableError

from .folder import Folder

__all__ = ["Running", "end", "find_running", "listen", "start"]

_SECONDS_TO_END = 30.0


@dataclass(frozen=True)
class Running:
    """A local Airflow.

    Attributes:
        pid: its first process.
        started: when that was started, in the kernel's ticks: another process can get the same number.
        port: Airflow's on 127.0.0.1.
        target_port: the target's.
    """

    pid: int
    started: int
    port: int
    target_port: int

    @property
    def is_alive(self) -> bool:
        """Whether its first process runs."""
        return _started(self.pid) == self.started


def _started(pid: int) -> int | None:
    try:
        # The name of the program, in brackets, can hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def find_running(folder: Folder) -> Running | None:
    """What the folder says was started, whether it still runs or not; None when nothing was."""
    try:
        content: dict[str, Any] = json.loads(folder.state.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Running(**content)


def listen(port: int, option: str) -> socket.socket:
    """A socket on 127.0.0.1.

    Args:
        port: 0 for any that is free.
        option: of the command line, which chooses another one.

    Raises:
        UnavailableError: the port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UnavailableError(
            f"port {port} of 127.0.0.1 cannot be used: {error.strerror}",
            hint=f"choose another: {option} PORT",
        ) from None
    return listening


def start(
    folder: Folder, airflow: socket.socket, target: socket.socket, environment: Mapping[str, str]
) -> Running:
    """Starts it and returns at once; it outlives this process.

    Sockets belong to the network in which they were made, so those that it inherits are the machine's.

    Args:
        folder: its folder, with all that it reads.
        airflow: where Airflow is to be reached.
        target: where the target is to be reached.
        environment: its variables.
    """
    folder.containers.mkdir()
    sockets = [airflow.fileno(), target.fileno()]
    with folder.log.open("ab") as log:
        process = subprocess.Popen(
            [
                *("unshare", "--mount", "--net", "--cgroup", "--pid", "--fork", "--kill-child"),
                *("--mount-proc", "--propagation", "private", "--"),
                *(sys.executable, "-m", "datakit_testing.namespace", str(folder.containers)),
                *(sys.executable, "-m", "local_airflow.inside", str(folder.path), *map(str, sockets)),
            ],
            cwd="/",
            env={**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=sockets,
            start_new_session=True,
        )
    running = Running(
        process.pid, _started(process.pid) or 0, airflow.getsockname()[1], target.getsockname()[1]
    )
    folder.state.write_text(json.dumps(asdict(running)))
    return running


def end(running: Running) -> None:
    """Ends it, and with it every process and mount of it.

    Raises:
        LockedError: the kernel has not ended it in time.
    """
    try:
        process = os.pidfd_open(running.pid)
    except ProcessLookupError:
        return
    try:
        if not running.is_alive:
            return
        # The first process of a namespace ends when all others in it have, and `unshare` waits for it.
        for pid in _children(running.pid) or [running.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not select.select([process], [], [], _SECONDS_TO_END)[0]:
            raise LockedError(f"process {running.pid} is still there after {_SECONDS_TO_END:.0f} s")
    finally:
        os.close(process)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
