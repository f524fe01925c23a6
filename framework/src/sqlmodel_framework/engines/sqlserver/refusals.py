"""Why SQL Server has no statement for a change; a plan then says so, and leaves it."""

from __future__ import annotations

from collections.abc import Callable

from ...schema.difference import Difference
from ...schema.snapshot import TableShape
from .canonical import BOUNDS
from .words import mentions

__all__ = ["why_impossible"]

# Those that other databases have as well.
_PRIVILEGES = frozenset({"DELETE", "INSERT", "REFERENCES", "SELECT", "UPDATE"})


def why_impossible(difference: Difference, shape: TableShape | None, quote: Callable[[str], str]) -> str:
    """Why a difference cannot be made to go away; or "".

    Args:
        difference: what differs.
        shape: the table that it belongs to, as it is, if there is one.
        quote: how a name is written, with brackets where it must have them.
    """
    want = difference.want
    if difference.kind == "grant" and want is not None and want.privilege not in _PRIVILEGES:
        return f"SQL Server has no right {want.privilege} of a {want.on}: do not declare it for this target"
    if difference.kind == "view" and want is not None and want.materialized:
        return "SQL Server keeps no rows of a view by itself: declare it without materialized"
    if difference.kind == "column" and shape is not None:
        return _of_column(difference, shape, quote(difference.name))
    return ""


def _of_column(difference: Difference, shape: TableShape, quoted: str) -> str:
    have, want = difference.have, difference.want
    computed = {each.generated for each in (have, want) if each is not None} - {None, *BOUNDS.values()}
    if computed and shape.versioned:
        return "a computed column of a table that keeps its history can neither come nor go"
    if have is None or want is None or have.generated != want.generated:
        return ""
    if have.identity != want.identity:
        return "a column that is there can neither start nor stop counting: move the rows into a new table"
    if have.type != want.type and shape.versioned and difference.name in shape.primary_key:
        return "a key of a table that keeps its history cannot change its type"
    if (have.type, have.nullable) != (want.type, want.nullable):
        for name, each in shape.columns.items():
            if mentions(each.generated, quoted):
                return f"the computed column {name} is made of it: take that away first, and declare it later"
    return ""
