"""A server as the program of a container: its signals, its children, its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType

__all__ = ["Stopped", "TemporaryServer", "become_init", "say"]


class Stopped(SystemExit):
    """The container was told to end before its server was started for good."""


def say(message: str) -> None:
    """Writes a line to the container's log."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def end_on_sigterm() -> None:
    """From now on, SIGTERM and SIGINT raise `Stopped`: the first process of a container ignores them else."""

    def stop(number: int, _frame: FrameType | None) -> None:
        raise Stopped(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def become_init(command: Sequence[str], signals: Mapping[int, int]) -> int:
    """Runs a server, hands signals on to it, takes care of orphans, and returns its exit code.

    Args:
        command: program and arguments.
        signals: what we get, to what the server is sent for it.
    """
    # A signal that comes before there is a process to hand it to waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = subprocess.Popen(command, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, signals))

    def hand_on(number: int, _frame: FrameType | None) -> None:
        server.send_signal(signals[number])

    for number in signals:
        signal.signal(number, hand_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    while True:
        pid, status = os.wait()
        if pid == server.pid:
            code = os.waitstatus_to_exitcode(status)
            server.returncode = code
            return code if code >= 0 else 128 - code


class TemporaryServer:
    """A server that runs for the time of a `with` block, for init scripts: no network, this container only.

    Args:
        command: program and arguments.
        answers: whether it does.
        stop_signal: asks it to end in good order.
        seconds: how long it may take to answer.
    """

    def __init__(
        self, command: Sequence[str], answers: Callable[[], bool], *, stop_signal: int, seconds: float = 120
    ) -> None:
        self._command = command
        self._answers = answers
        self._stop_signal = stop_signal
        self._seconds = seconds

    def __enter__(self) -> None:
        # A group of its own: a terminal's SIGINT is ours alone.
        self._server = subprocess.Popen(self._command, process_group=0)
        try:
            deadline = time.monotonic() + self._seconds
            while not self._answers():
                if self._server.poll() is not None:
                    raise SystemExit(
                        f"the server ended while it was set up (exit code {self._server.returncode})"
                    )
                if time.monotonic() > deadline:
                    raise SystemExit(f"the server does not answer after {self._seconds:.0f} s")
                time.sleep(0.02)
        except BaseException:
            self._end()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        code = self._end()
        if kind is None and code != 0:
            raise SystemExit(f"the server did not end well after it was set up (exit code {code})")

    def _end(self) -> int:
        if self._server.poll() is None:
            self._server.send_signal(self._stop_signal)
        try:
            return self._server.wait(self._seconds)
        except subprocess.TimeoutExpired:
            self._server.kill()
            return self._server.wait()
