"""The hash of a bronze row: the same for every engine, so that rows can be compared between them.

The canonical text of a row is the concatenation, over the table's own columns in declared order, of
`-` for a null, and of `<length>:<value>` for a value, where the length is the number of Unicode code
points in decimal. So no two different rows have the same text, and an empty text differs from a
null. The hash is SHA-256 over that text in UTF-8: 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["canonical_text", "row_hash"]


def canonical_text(values: Iterable[str | None]) -> str:
    """The canonical text of a row's values, in declared order.

    >>> canonical_text(["JFK", None, ""])
    '3:JFK-0:'
    """
    return "".join("-" if value is None else f"{len(value)}:{value}" for value in values)


def row_hash(values: Iterable[str | None]) -> bytes:
    """SHA-256 over the canonical text: what a bronze table's `row_hash` holds."""
    return hashlib.sha256(canonical_text(values).encode()).digest()
