"""A small datakit, described: three tables, of which one is loaded from the other two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlmodel_framework.runs.description import DescribedLoad, DescribedTable, Description

FINGERPRINT = "f" * 64


def load(id: str, *reads: str, **more: Any) -> DescribedLoad:  # noqa: A002
    """The load of this id, into the table of the same name."""
    layer, _, name = id.partition(".")
    given = {"source": "made up", "kind": "query", **more}
    return DescribedLoad(id=id, name=name, layer=layer, table=id, reads=list(reads), **given)


def described(*loads: DescribedLoad, checks: tuple[str, ...] = ("no_orphans",), **more: Any) -> Description:
    """A datakit with these loads, and a table for each."""
    given: dict[str, Any] = {
        "name": "shop",
        "version": "1.0",
        "description": "What is sold.",
        "fingerprint": FINGERPRINT,
        "tables": [
            DescribedTable(name=table, key=["id"]) for table in dict.fromkeys(one.table for one in loads)
        ],
        "loads": list(loads),
        "checks": list(checks),
        **more,
    }
    return Description(**given)


SHOP = described(
    load("bronze.orders", windowed=True),
    load("bronze.items"),
    load("silver.sales", "bronze.orders", "bronze.items"),
)


def write(description: Description, folder: Path) -> Path:
    """Write a description to a folder; returns its path."""
    path = folder / f"{description.name}.json"
    path.write_text(description.text())
    return path
