"""Parts of a run report, made of what became of the nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydantic import JsonValue
from sqlmodel_framework.runs.report import CheckReport, TableReport

from dbt_runner.nodes import Manifest, NodeResult

__all__ = ["check_reports", "counts_by_status", "lineage", "table_reports"]


def table_reports(results: Iterable[NodeResult], manifest: Manifest) -> list[TableReport]:
    """The models, seeds and snapshots that were done."""
    return [
        TableReport(
            table=manifest.relation(result.node),
            layer=manifest.layer(result.node),
            written=result.rows,
            seconds=round(result.seconds, 3),
        )
        for result in results
        if result.status in ("success", "partial success") and manifest.has_relation(result.node)
    ]


def check_reports(results: Iterable[NodeResult], manifest: Manifest) -> list[CheckReport]:
    """The tests that came to a result."""
    return [
        CheckReport(name=manifest.name(result.node), offending=result.failures)
        for result in results
        if manifest.kind(result.node) in ("test", "unit_test") and result.status in ("pass", "fail", "warn")
    ]


def counts_by_status(results: Iterable[NodeResult]) -> dict[str, JsonValue]:
    """How many nodes ended how."""
    return dict(Counter(result.status for result in results))


def lineage(results: Iterable[NodeResult], manifest: Manifest) -> dict[str, JsonValue]:
    """The relations that each model and snapshot reads, by its own relation."""
    return {
        manifest.relation(result.node): [*sorted(manifest.reads(result.node))]
        for result in results
        if manifest.kind(result.node) in ("model", "snapshot") and manifest.has_relation(result.node)
    }
