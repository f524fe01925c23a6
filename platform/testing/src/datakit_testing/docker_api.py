"""An engine as programs know it that start containers: a Docker API, and images by their digests."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from .containers import Containers, removal
from .engine import PRIVATE_RUN
from .images import Image
from .readiness import wait_until

__all__ = ["DockerApi"]

_DOCKER_SOCKET = "unix:///var/run/docker.sock"
# `auto` asks for the engine's own version, which podman cannot tell where it sees no cgroups.
_PODMAN_VERSION = "1.41"


class DockerApi:
    """A Docker API, for as long as the block lasts.

    With podman it is a service of its own, with Docker the daemon that there is. What a program starts on the
    test's network through it is removed at the end.

    Args:
        containers: the test's containers; those that the program starts find them on `network`, by name.
    """

    def __init__(self, containers: Containers) -> None:
        self._containers = containers
        self._service: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None
        self._before: frozenset[str] = frozenset()
        self._ends = ExitStack()
        self.url = os.environ.get("DOCKER_HOST") or _DOCKER_SOCKET
        self.version = "auto"

    @property
    def network(self) -> str:
        """The network on which the test's containers are."""
        return self._containers.network

    def reference(self, image: str | Image) -> str:
        """Makes sure that the engine has an image, and returns `name@sha256:…`.

        The digest is that of the manifest, as the build says it; only this very image has it.

        Args:
            image: an image, or the name of one of this test's.

        Raises:
            ContainerError: the engine cannot take images by digest.
        """
        images = self._containers.images
        return images.reference(images[image] if isinstance(image, str) else image)

    def __enter__(self) -> DockerApi:
        self._before = frozenset(self._on_network())
        with ExitStack() as ends:
            ends.callback(self._remove_started)
            if self._containers.engine.is_podman:
                self._serve(ends)
            self._ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def started(self) -> list[str]:
        """Ids of the containers that a program started on the network, ended ones too."""
        ours = {container.id for container in self._containers.started} | self._before
        return [identifier for identifier in self._on_network() if identifier not in ours]

    def _on_network(self) -> list[str]:
        return self._containers.engine.do(
            "ps", "--all", "--quiet", "--no-trunc", "--filter", f"network={self.network}"
        ).split()

    def _remove_started(self) -> None:
        for identifier in self.started():
            self._containers.engine.do(*removal(self._containers.engine), identifier)

    def _serve(self, ends: ExitStack) -> None:
        engine = self._containers.engine
        folder = PRIVATE_RUN if engine.private else Path("/tmp")  # noqa: S108 (the path has to be short)
        own = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="docker-", dir=folder)))
        self._socket, log = own / "sock", own / "log"
        self.url, self.version = f"unix://{self._socket}", _PODMAN_VERSION
        with log.open("wb") as file:
            self._service = subprocess.Popen(
                [engine.program, "system", "service", "--time=0", self.url],
                env={**os.environ, **engine.environment},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        ends.callback(self._end_service)
        wait_until(f"a Docker API at {self.url}", self._answers, still_possible=lambda: self._ended(log))

    def _end_service(self) -> None:
        assert self._service is not None
        self._service.terminate()
        try:
            self._service.wait(10)
        except subprocess.TimeoutExpired:
            self._service.kill()
            self._service.wait()

    def _answers(self) -> bool:
        assert self._socket is not None
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(5)
            connection.sock.connect(str(self._socket))
            connection.request("GET", "/_ping")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def _ended(self, log: Path) -> str | None:
        assert self._service is not None
        code = self._service.poll()
        return None if code is None else f"it ended with exit code {code}: {log.read_text().strip()}"
