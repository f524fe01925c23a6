"""As much of Kubernetes' interface as making a pod and its Secret needs; nothing runs in it.

What it keeps is as Kubernetes' schema says; it is stricter than a cluster, which drops unknown fields.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from .kubernetes_schema import mistake

__all__ = ["Cluster", "running_cluster"]


@dataclass
class Cluster:
    """What a cluster was asked, and what is in it.

    Attributes:
        url: its address.
        asked: method, kind and content of each request that changes something.
        objects: what is in it, by kind and name.
        refused: what was wrong with each object that its schema refuses.
        full: whether it refuses pods.
    """

    url: str = ""
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
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
            query = parse_qs(urlsplit(self.path).query)
            selector = query.get("labelSelector", [""])[0]
            found = [one for one in self.served.of_kind(kind) if _selected(one, selector)]
            self._answer(200, {"kind": "List", "items": found})
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
            self._keep(201, kind, name, content)

    def do_PUT(self) -> None:
        kind, name = self._place()
        assert name is not None
        self._keep(200, kind, name, self._read("PUT", kind))

    def do_PATCH(self) -> None:
        kind, name = self._place()
        assert name is not None
        patch = self._read("PATCH", kind)
        found = self.served.objects[kind, name]
        self._keep(
            200, kind, name, {**found, **patch, "metadata": {**found["metadata"], **patch["metadata"]}}
        )

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

    def _keep(self, status: int, kind: str, name: str, content: dict[str, Any]) -> None:
        if (wrong := mistake(kind, content)) is not None:
            self.served.refused.append(wrong)
            self._answer(422, {"kind": "Status", "reason": "Invalid", "message": wrong})
        else:
            self.served.objects[kind, name] = content
            self._answer(status, content)

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


def _selected(content: dict[str, Any], selector: str) -> bool:
    """Whether an object has the labels `a=b`, and not `c!=d` or `!e`."""
    labels = content["metadata"].get("labels", {})
    for term in filter(None, selector.split(",")):
        name, sign, value = term.partition("=")
        if not sign:
            agrees = name[1:] not in labels if name.startswith("!") else name in labels
        elif name.endswith("!"):
            agrees = labels.get(name[:-1]) != value
        else:
            agrees = labels.get(name) == value
        if not agrees:
            return False
    return True
