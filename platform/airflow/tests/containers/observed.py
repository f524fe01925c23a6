"""What anybody on the machine can see of containers while they run: settings, environments, command lines."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]
from datakit_testing import DockerApi
from docker.errors import NotFound  # type: ignore[import-untyped]

__all__ = ["Observed", "observed"]

_SECONDS_BETWEEN_LOOKS = 0.25


@dataclass
class Observed:
    """What was seen.

    Attributes:
        containers: what the engine tells of each container, by its id.
        environments: the environment of each container's program, by its id.
        command_lines: of all processes of the machine.
    """

    containers: dict[str, Any] = field(default_factory=dict)
    environments: dict[str, bytes] = field(default_factory=dict)
    command_lines: set[bytes] = field(default_factory=set)

    def everything(self) -> bytes:
        """All of it."""
        told = json.dumps(list(self.containers.values())).encode()
        return b"\n".join([told, *self.environments.values(), *self.command_lines])


@contextmanager
def observed(api: DockerApi) -> Iterator[Observed]:
    """Look at the containers that are started through an API, for as long as the block lasts."""
    seen = Observed()
    done = threading.Event()
    client = docker.APIClient(api.url, version=api.version)

    def look() -> None:
        while not done.wait(_SECONDS_BETWEEN_LOOKS):
            for container in client.containers(filters={"label": "datakit.run_id"}):
                if container["Id"] not in seen.environments:
                    _look_at(client, container["Id"], seen)
            seen.command_lines |= set(_read("cmdline"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()
        client.close()


def _look_at(client: Any, container: str, seen: Observed) -> None:
    try:
        told = client.inspect_container(container)
    except NotFound:
        return
    seen.containers[container] = told
    process = told["State"]["Pid"]
    try:
        seen.environments[container] = Path(f"/proc/{process}/environ").read_bytes()
    except OSError:
        return


def _read(name: str) -> Iterator[bytes]:
    for path in Path("/proc").glob(f"[0-9]*/{name}"):
        try:
            yield path.read_bytes()
        except OSError:
            continue
