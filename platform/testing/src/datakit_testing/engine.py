"""The program that runs containers: the launcher's podman, or the machine's Docker or podman.

Both take the same commands, so one thin wrapper serves them; where they differ, `Engine` says so.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

__all__ = ["NO_ENGINE", "ContainerError", "Engine", "Finished", "engine_of_this_process", "find_engine"]

# Holds what `find_engine` found, for the processes of the test.
ENGINE_VARIABLE = "DATAKIT_TESTING_ENGINE"
# A user's choice: `launcher`, `docker` or `podman`.
CHOICE_VARIABLE = "DATAKIT_CONTAINERS"
# This file exists only inside the launcher's root.
LAUNCHER_MARKER = Path("/.datakit-platform-launcher")
# The reason for a skip, as //tools/python:allowed_skips.txt has it.
NO_ENGINE = "neither podman nor Docker runs containers here"

# Where the launcher's podman keeps its things in a test's namespaces; short, as paths of sockets have to be.
PRIVATE_RUN = Path("/run/datakit")

LONGEST_COMMAND_SECONDS = 120.0


class ContainerError(RuntimeError):
    """A command about containers failed; the text says which one and what it printed."""


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Engine:
    """A program with podman's commands.

    Attributes:
        kind: `launcher` (podman in namespaces of the test's own), `docker` or `podman` (the machine's).
        program: its path.
        environment: what it needs to find its storage or its daemon.
    """

    kind: str
    program: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def private(self) -> bool:
        """Whether storage, network and processes are this test's alone and vanish with it."""
        return self.kind == "launcher"

    @property
    def is_podman(self) -> bool:
        """Whether the options that only podman has can be used."""
        return self.kind != "docker"

    def try_to(
        self,
        *arguments: str,
        secrets: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        seconds: float = LONGEST_COMMAND_SECONDS,
    ) -> Finished:
        """Runs a command and returns how it ended.

        Args:
            *arguments: the command, such as `"ps", "--all"`.
            secrets: variables of the command's environment: what must not be seen in a process list.
            stdin: what it reads.
            seconds: a deadline.

        Raises:
            ContainerError: the command was still running at its deadline.
        """
        environment = {**os.environ, **self.environment, **(secrets or {})}
        try:
            ended = subprocess.run(
                [self.program, *arguments],
                env=environment,
                stdin=stdin if stdin is not None else subprocess.DEVNULL,
                capture_output=True,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise ContainerError(f"{self._line(arguments)}: still running after {seconds:.0f} s") from error
        return Finished(
            ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")
        )

    def do(
        self,
        *arguments: str,
        secrets: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
        seconds: float = LONGEST_COMMAND_SECONDS,
    ) -> str:
        """Runs a command that has to succeed and returns what it printed, without the last line's end.

        Raises:
            ContainerError: it failed, or took longer than `seconds`.
        """
        ended = self.try_to(*arguments, secrets=secrets, stdin=stdin, seconds=seconds)
        if ended.exit_code != 0:
            printed = ended.stderr.strip() or ended.stdout.strip()
            raise ContainerError(f"{self._line(arguments)}: exit code {ended.exit_code}: {printed}")
        return ended.stdout.rstrip("\n")

    def _line(self, arguments: Sequence[str]) -> str:
        return " ".join([Path(self.program).name, *arguments])


def _machine_environment() -> dict[str, str]:
    """Where the user's own engine keeps its things; a test's HOME is elsewhere."""
    home = pwd.getpwuid(os.getuid()).pw_dir
    runtime = f"/run/user/{os.getuid()}"
    return {"HOME": home} | ({"XDG_RUNTIME_DIR": runtime} if os.path.isdir(runtime) else {})


def find_engine() -> Engine | None:
    """The engine of this machine, or None when it has none that answers.

    In the launcher's root it is the podman there, whether it works or not: a fault of it must fail tests, not
    skip them. Elsewhere `DATAKIT_CONTAINERS` decides, else the first of docker and podman that answers.

    Raises:
        ContainerError: `DATAKIT_CONTAINERS` asks for what is not there.
    """
    choice = os.environ.get(CHOICE_VARIABLE)
    if choice == "launcher" or (not choice and LAUNCHER_MARKER.exists()):
        return Engine("launcher", shutil.which("podman") or "/usr/bin/podman")
    if choice not in (None, "", "docker", "podman"):
        raise ContainerError(f"{CHOICE_VARIABLE} is {choice!r}: launcher, docker or podman is possible")
    for kind in [choice] if choice else ["docker", "podman"]:
        program = shutil.which(kind)
        if program is None:
            continue
        engine = Engine(kind, program, _machine_environment())
        if engine.try_to("version", seconds=30).exit_code == 0:
            return engine
    if choice:
        raise ContainerError(f"{CHOICE_VARIABLE} asks for {choice}, which is not there or does not answer")
    return None


def engine_of_this_process() -> Engine | None:
    """The engine that the test's first process chose; None when there is none."""
    kind, _, program = os.environ.get(ENGINE_VARIABLE, "").partition(":")
    if not kind:
        return None
    return Engine(kind, program, {} if kind == "launcher" else _machine_environment())
