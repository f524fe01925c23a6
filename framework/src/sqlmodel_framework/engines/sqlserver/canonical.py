"""What a declaration means to SQL Server, worked out without asking it.

Both what is declared and what the catalog prints are brought into one spelling (see `expressions`). Where
that does not succeed, a plan makes the default, check or computed column anew, once: from then on the ledger
knows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ...schema.snapshot import ColumnShape, TableShape
from .expressions import normal_form

__all__ = ["BOUNDS", "COMPUTED", "comparable", "generated_words", "query_of"]

COMPUTED = "(computed)"
"""The type of a computed column: the server finds it out, and it cannot be declared."""

BOUNDS = {"valid_from": "ROW START", "valid_to": "ROW END"}

_NOW = "CURRENT_TIMESTAMP"
_BITS = {"true": "1", "false": "0", "'true'": "1", "'false'": "0"}
_NAME = r"(?:\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\"|\w+)"
_HEADER = re.compile(
    rf"\s*CREATE\s+(?:OR\s+ALTER\s+)?VIEW\s+(?:{_NAME}\s*\.\s*)?{_NAME}\s+AS\s+", re.IGNORECASE
)


def comparable(shape: TableShape, quote: Callable[[str], str]) -> TableShape:
    """A declared table as the catalog would tell of it."""
    return replace(
        shape,
        columns={name: _column(column, quote) for name, column in shape.columns.items()},
        checks={
            name: replace(check, expression=normal_form(check.expression, quote))
            for name, check in shape.checks.items()
        },
        indexes={
            name: index if index.where is None else replace(index, where=normal_form(index.where, quote))
            for name, index in shape.indexes.items()
        },
        # RESTRICT is what the server does where nothing is said.
        foreign_keys={
            name: replace(
                key,
                on_delete=key.on_delete.replace("RESTRICT", ""),
                on_update=key.on_update.replace("RESTRICT", ""),
            )
            for name, key in shape.foreign_keys.items()
        },
        comment=shape.comment or None,
    )


def generated_words(expression: str, persisted: bool, quote: Callable[[str], str]) -> str:
    """What a computed column is always, such as `(a + 1) PERSISTED`."""
    return f"({normal_form(expression, quote)})" + (" PERSISTED" if persisted else "")


def query_of(definition: str) -> str:
    """A view's query, from the statement that made it."""
    return _HEADER.sub("", definition, count=1).strip().removesuffix(";").rstrip()


def _column(shape: ColumnShape, quote: Callable[[str], str]) -> ColumnShape:
    comment = shape.comment or None
    if shape.generated in BOUNDS.values():
        return ColumnShape(shape.type, False, generated=shape.generated, comment=comment)
    if shape.generated is not None:
        return ColumnShape(COMPUTED, generated=shape.generated, comment=comment)
    return replace(
        shape,
        default=None if shape.default is None else _default(shape.default, shape.type, quote),
        # There is one kind of counting.
        identity="always" if shape.identity else "",
        comment=comment,
    )


def _default(default: str, type_: str, quote: Callable[[str], str]) -> str:
    words = default.strip()
    if words.upper() == _NOW and type_ != "datetime":
        # The server's clock shows the time of its place; everywhere else a moment is one of UTC.
        return "sysdatetimeoffset()" if type_.startswith("datetimeoffset") else "sysutcdatetime()"
    if type_ == "bit" and words.lower() in _BITS:
        return _BITS[words.lower()]
    return normal_form(words, quote)
