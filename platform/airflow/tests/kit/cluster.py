"""As much of Kubernetes' interface as making a pod and its Secret needs; nothing runs in it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

__all__ = ["Cluster", "running_cluster"]


@dataclass
class Cluster:
    """What a cluster was asked, and what is in it.

    Attributes:
        url: its address.
        asked: method, kind and content of each request that changes something.
        objects: what is in it, by kind and name.
        full: whether it refuses pods.
    """

    url: str = ""
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    full: bool = False

    @property
    def access(self) -> dict[str, Any]:
        """A configuration of a client, as kubectl reads it."""
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": self.url}}],
            "users": [{"name": "test", "user": {"token": "t"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """All objects of a kind."""
        return [content for (found, _), content in self.objects.items() if found == kind]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """A cluster, for as long as the block lasts."""
    cluster = Cluster()

    class Handler(_Handler):
        served = cluster

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cluster.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield cluster
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[Cluster]

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        kind, name = self._place()
        if name is None:
            self._answer(200, {"kind": "List", "items": self.served.of_kind(kind)})
        else:
            self._answer_with(kind, name)

    def do_POST(self) -> None:
        kind, _ = self._place()
        content = self._read("POST", kind)
        name = content["metadata"]["name"]
        if kind == "pods" and self.served.full:
            self._answer(403, {"kind": "Status", "message": "exceeded quota"})
        elif (kind, name) in self.served.objects:
            self._answer(409, {"kind": "Status", "reason": "AlreadyExists"})
        else:
            content["metadata"]["uid"] = f"uid-{len(self.served.objects)}"
            self.served.objects[kind, name] = content
            self._answer(201, content)

    def do_PUT(self) -> None:
        kind, name = self._place()
        assert name is not None
        self.served.objects[kind, name] = self._read("PUT", kind)
        self._answer_with(kind, name)

    def do_PATCH(self) -> None:
        kind, name = self._place()
        assert name is not None
        self.served.objects[kind, name]["metadata"].update(self._read("PATCH", kind)["metadata"])
        self._answer_with(kind, name)

    def do_DELETE(self) -> None:
        kind, name = self._place()
        assert name is not None
        self._read("DELETE", kind)
        self.served.objects.pop((kind, name), None)
        self._answer(200, {"kind": "Status"})

    def _place(self) -> tuple[str, str | None]:
        _, _, _, _, _, kind, *rest = urlsplit(self.path).path.split("/")
        return kind, rest[0] if rest else None

    def _read(self, method: str, kind: str) -> dict[str, Any]:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content: dict[str, Any] = json.loads(body) if body else {}
        self.served.asked.append((method, kind, content))
        return content

    def _answer_with(self, kind: str, name: str) -> None:
        found = self.served.objects.get((kind, name))
        self._answer(200 if found else 404, found or {"kind": "Status"})

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
