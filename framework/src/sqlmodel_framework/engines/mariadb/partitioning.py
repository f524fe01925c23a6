"""How a table is cut into partitions: SQLAlchemy takes it as the text of a statement."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sqlalchemy import Table

__all__ = ["declared_partitioning", "declared_partitions", "partitioning_in_one_spelling"]

_PARENTHESES = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_WHOLE = re.compile(
    rf"\s*(?P<method>[A-Za-z ]+?)\s*(?P<key>{_PARENTHESES})\s*(?P<parts>\(.*\))?\s*", re.DOTALL
)
_PART = re.compile(
    rf"PARTITION\s+(?P<name>`(?:[^`]|``)+`|\w+)\s+VALUES\s+(?P<how>LESS\s+THAN|IN)\s*"
    rf"(?P<bound>MAXVALUE|{_PARENTHESES})",
    re.IGNORECASE | re.DOTALL,
)


def partitioning_in_one_spelling(method: str, expression: str) -> str:
    """Such as `RANGE (year(day))`, however it was written."""
    plain = expression.replace("`", "").replace(" ", "").lower()
    return f"{' '.join(method.upper().split())} ({plain})"


def declared_partitioning(table: Table) -> str | None:
    """Such as `RANGE (year(day))`, or None."""
    found = _found(table)
    return None if found is None else partitioning_in_one_spelling(found["method"], found["key"][1:-1])


def declared_partitions(table: Table) -> Mapping[str, str]:
    """The bounds of each partition, such as `VALUES LESS THAN (2000)`, by its name."""
    found = _found(table)
    if found is None or found["parts"] is None:
        return {}
    parts = {}
    for part in _PART.finditer(found["parts"]):
        name = part["name"]
        name = name[1:-1].replace("``", "`") if name.startswith("`") else name
        bound = part["bound"] if part["bound"].upper() != "MAXVALUE" else "MAXVALUE"
        parts[name] = f"VALUES {' '.join(part['how'].upper().split())} {bound.replace(', ', ',')}"
    return parts


def _found(table: Table) -> re.Match[str] | None:
    text = table.dialect_options["mariadb"].get("partition_by")
    return None if text is None else _WHOLE.fullmatch(str(text))
