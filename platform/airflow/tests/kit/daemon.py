"""A daemon that speaks as much of Docker's interface as a step needs, and runs containers as processes.

It shows what is asked of a daemon, and how its answers are taken; real containers are another test's.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

from .orchard import PROGRAM

# A socket's path has a hundred characters, which a test's own folder may use up.
_SHORT = "/tmp"
_MOUNTED = "/run/secrets/datakit"
_STREAMS = {1: "stdout", 2: "stderr"}


@dataclass
class Container:
    """A container: what was asked for, and the process that stands for it."""

    id: str
    created: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None
    started: threading.Event = field(default_factory=threading.Event)


@dataclass
class Daemon:
    """What a daemon was asked, and what it has.

    Attributes:
        socket: where it listens.
        folder: where its processes find how to behave.
        images: the images that it has.
        registry: the images that it can fetch.
        containers: those that were not removed, by id.
        created: what was asked of each container, also of those that are gone.
    """

    socket: Path
    folder: Path
    images: set[str] = field(default_factory=set)
    registry: set[str] = field(default_factory=set)
    containers: dict[str, Container] = field(default_factory=dict)
    created: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The address for a client."""
        return f"unix://{self.socket}"

    def start(self, container: Container) -> None:
        """Run the container's command beside the folder that is mounted."""
        [mount] = container.created["HostConfig"]["Mounts"]
        spec = Path(mount["Source"], "spec.json").read_text().replace(_MOUNTED, mount["Source"])
        own = self.folder / f"{container.id}.json"
        own.write_text(spec)
        container.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "run", "--spec", str(own)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                "KIT_FOLDER": str(self.folder),
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
        )
        container.started.set()


@contextmanager
def running_daemon(folder: Path) -> Iterator[Daemon]:
    """A daemon, for as long as the block lasts."""
    with (
        tempfile.TemporaryDirectory(dir=_SHORT, prefix="daemon-") as place,
        _serving(Path(place), folder) as daemon,
    ):
        yield daemon


@contextmanager
def _serving(place: Path, folder: Path) -> Iterator[Daemon]:
    daemon = Daemon(place / "docker.sock", folder)

    class Handler(_Handler):
        served = daemon

    with socketserver.ThreadingUnixStreamServer(str(daemon.socket), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield daemon
        finally:
            server.shutdown()
            thread.join()
            for container in daemon.containers.values():
                if container.process is not None:
                    container.process.kill()
                    container.process.wait()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Daemon]
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "client"

    def do_GET(self) -> None:
        path, query = self._asked()
        if match := re.fullmatch(r"/images/(.+)/json", path):
            found = match[1] in self.served.images
            self._answer(200 if found else 404, {"Id": "x"} if found else {"message": "no such image"})
        elif path == "/containers/json":
            wanted = json.loads(query["filters"][0])["label"]
            self._answer(200, [{"Id": one.id} for one in self._labelled(wanted)])
        elif path == "/_ping":
            self._say(200, b"OK")
        else:
            self._answer(200, {"Config": {"Tty": False}})

    def do_DELETE(self) -> None:
        path, _ = self._asked()
        container = self.served.containers.pop(path.split("/")[2])
        if container.process is not None:
            container.process.kill()
            container.process.wait()
        self._answer(204, None)

    def do_POST(self) -> None:
        path, query = self._asked()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/images/create":
            self._fetch(query["fromImage"][0], query["tag"][0])
        elif path == "/containers/create":
            created = json.loads(body)
            container = Container(f"{len(self.served.created):064x}", created)
            self.served.created.append(created)
            self.served.containers[container.id] = container
            self._answer(201, {"Id": container.id})
        else:
            _, _, id_, verb = path.split("/")
            getattr(self, f"_{verb}")(self.served.containers[id_], query)

    def _fetch(self, name: str, tag: str) -> None:
        reference = f"{name}@{tag}"
        if reference in self.served.registry:
            self.served.images.add(reference)
            self._answer(200, {"status": "done"})
        else:
            self._answer(404, {"message": "manifest unknown"})

    def _attach(self, container: Container, _: Any) -> None:
        self.connection.sendall(
            b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
            b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
        )
        self.close_connection = True
        container.started.wait(30)
        assert container.process is not None
        lock = threading.Lock()
        threads = [
            threading.Thread(target=self._pass_on, args=(number, getattr(container.process, name), lock))
            for number, name in _STREAMS.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, number: int, stream: Any, lock: threading.Lock) -> None:
        with stream:
            for line in stream:
                with lock:
                    self.connection.sendall(struct.pack(">BxxxL", number, len(line)) + line)

    def _start(self, container: Container, _: Any) -> None:
        self.served.start(container)
        self._answer(204, None)

    def _wait(self, container: Container, _: Any) -> None:
        assert container.process is not None
        self._answer(200, {"StatusCode": container.process.wait()})

    def _kill(self, container: Container, query: dict[str, list[str]]) -> None:
        assert container.process is not None
        container.process.send_signal(getattr(signal, query["signal"][0]))
        self._answer(204, None)

    def _stop(self, container: Container, _: Any) -> None:
        if container.process is not None:
            container.process.terminate()
            container.process.wait()
        self._answer(204, None)

    def _labelled(self, wanted: list[str]) -> list[Container]:
        return [
            one
            for one in self.served.containers.values()
            if set(wanted) <= {f"{name}={value}" for name, value in one.created["Labels"].items()}
        ]

    def _asked(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(re.sub(r"^/v[0-9.]+", "", parts.path)), parse_qs(parts.query)

    def _answer(self, status: int, content: Any) -> None:
        self._say(status, b"" if content is None else json.dumps(content).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
