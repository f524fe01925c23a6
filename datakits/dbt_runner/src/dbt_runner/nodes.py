"""What became of each node of a project, and what a manifest says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Manifest", "NodeResult"]


@dataclass(frozen=True, kw_only=True)
class NodeResult:
    """How one node ended: a model, seed, snapshot, test or hook.

    Attributes:
        node: its unique id.
        status: dbt's word for it, such as "success", "pass", "fail", "error".
        message: dbt's text.
        failures: how many rows a test found.
        rows: how many rows were written, where the database says so.
        seconds: how long it took.
    """

    node: str
    status: str
    message: str
    failures: int
    rows: int | None
    seconds: float

    @classmethod
    def of_result(cls, result: Any) -> Self:
        """Of an item of dbt's results."""
        return cls(
            node=result.node.unique_id,
            status=str(result.status),
            message=result.message or "",
            failures=int(result.failures or 0),
            rows=_rows(result.adapter_response.get("rows_affected")),
            seconds=result.execution_time,
        )

    @classmethod
    def of_event(cls, data: Any) -> Self:
        """Of the data of dbt's event NodeFinished: what there is when dbt does not come to its end."""
        result = data.run_result
        return cls(
            node=data.node_info.unique_id,
            status=result.status,
            message=result.message,
            failures=result.num_failures,
            rows=_rows(dict(result.adapter_response).get("rows_affected")),
            seconds=result.execution_time,
        )


def _rows(number: Any) -> int | None:
    # Drivers say -1 where a statement, such as the one that makes a view, has no number of rows.
    return int(number) if isinstance(number, int | float) and number >= 0 else None


class Manifest:
    """What dbt found in a project.

    Args:
        content: that of manifest.json.
        database: the target's; a relation of another one is named with it.
    """

    def __init__(self, content: Mapping[str, Any], database: str | None) -> None:
        kinds = ("sources", "unit_tests", "nodes")
        self._nodes = {node: found for kind in kinds for node, found in content.get(kind, {}).items()}
        self._database = (database or "").lower()

    @classmethod
    def read(cls, folder: Path, database: str | None) -> Self:
        """The manifest in a folder; an empty one where dbt did not come that far."""
        try:
            content = json.loads((folder / "manifest.json").read_bytes())
        except (OSError, ValueError):
            content = {}
        return cls(content, database)

    def kind(self, node: str) -> str:
        """Such as "model" or "test"."""
        return node.partition(".")[0]

    def name(self, node: str) -> str:
        """The node's name, without its schema."""
        return str(self._nodes.get(node, {}).get("name") or node)

    def file(self, node: str) -> str:
        """Where the node is written down, in the project."""
        return str(self._nodes.get(node, {}).get("original_file_path") or self.kind(node))

    def layer(self, node: str) -> str | None:
        """The `layer` among what the project says about the node under `meta`, else its schema."""
        found = self._nodes.get(node, {})
        meta = found.get("config", {}).get("meta") or {}
        return str(meta.get("layer") or found.get("schema") or "") or None

    def has_relation(self, node: str) -> bool:
        """Whether something in the database is made of it, or is it."""
        found = self._nodes.get(node)
        return (
            found is not None
            and self.kind(node) in ("model", "seed", "snapshot", "source")
            and found.get("config", {}).get("materialized") != "ephemeral"
        )

    def relation(self, node: str) -> str:
        """`schema.name`, of another database `database.schema.name`."""
        found = self._nodes[node]
        name = found.get("alias") or found.get("identifier") or found["name"]
        elsewhere = (found.get("database") or "").lower() not in ("", self._database)
        return f"{found['database']}.{found['schema']}.{name}" if elsewhere else f"{found['schema']}.{name}"

    def reads(self, node: str) -> set[str]:
        """The relations that a node reads."""
        read: set[str] = set()
        for parent in self._nodes.get(node, {}).get("depends_on", {}).get("nodes", ()):
            if self.has_relation(parent):
                read.add(self.relation(parent))
            else:
                # An ephemeral model is a part of the statement: what it reads is read.
                read |= self.reads(parent)
        return read
