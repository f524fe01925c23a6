"""The services of the compose file, by podman-compose, a few at a time: each step of a start can be told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from datakit_testing.engine import Engine
from sqlmodel_framework.errors import UnavailableError

__all__ = ["Services"]

_SECONDS_BETWEEN_LOOKS = 0.5
_LAST_LINES = "15"


class Services:
    """The services of a compose file.

    Args:
        engine: the podman that runs them.
        file: the compose file.
        variables: what it asks for; none is a secret.
    """

    def __init__(self, engine: Engine, file: Path, variables: Mapping[str, str]) -> None:
        self._engine = engine
        self._file = file
        self._variables = variables

    def start(self, *names: str) -> None:
        """Starts some, whatever they depend on, and returns at once.

        Raises:
            UnavailableError: one was not started.
        """
        command = [sys.executable, "-m", "podman_compose", f"--file={self._file}"]
        ended = subprocess.run(
            [*command, "up", "--detach", "--no-build", "--no-deps", *names],
            env={**os.environ, **self._variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        sys.stdout.write(ended.stdout)
        if ended.returncode != 0:
            last = ended.stdout.strip().splitlines()[-1:] or ["it says nothing"]
            raise UnavailableError(f"{' and '.join(names)} did not start: {last[0]}")

    def wait_until_ended(self, name: str, seconds: float) -> None:
        """Waits for a service that ends by itself.

        Raises:
            UnavailableError: it failed.
        """
        code = self._engine.do("wait", self._container(name), seconds=seconds)
        if code != "0":
            raise UnavailableError(f"{name} ended with exit code {code}", hint=self._last_words(name))

    def wait_until_healthy(self, *names: str, seconds: float) -> None:
        """Asks each service, by its own health check, until it answers that all is well.

        podman's own record of it is no use: it asks only where systemd keeps the time.

        Raises:
            UnavailableError: one ended, or is not well at the deadline.
        """
        deadline = time.monotonic() + seconds
        waiting = list(names)
        while waiting:
            name = waiting[0]
            container = self._container(name)
            asked = self._engine.try_to("healthcheck", "run", container)
            if asked.exit_code == 0:
                waiting.pop(0)
                continue
            running = self._engine.do("inspect", "--format={{.State.Running}}", container) == "true"
            if not running or time.monotonic() > deadline:
                answer = (asked.stderr.strip() or asked.stdout.strip() or "no answer").splitlines()[-1]
                how = "is not healthy" if running else "ended"
                raise UnavailableError(f"{name} {how}: {answer}", hint=self._last_words(name))
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def _container(self, name: str) -> str:
        label = f"label=com.docker.compose.service={name}"
        return self._engine.do("ps", "--all", "--quiet", f"--filter={label}").splitlines()[0]

    def _last_words(self, name: str) -> str:
        said = self._engine.try_to("logs", "--tail", _LAST_LINES, self._container(name))
        return f"its last words:\n{said.stdout}{said.stderr}".rstrip()
