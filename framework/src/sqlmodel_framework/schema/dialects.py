"""SQLAlchemy's dialects, for text that is written down before it is sent."""

from __future__ import annotations

import copy
from typing import Any

from sqlalchemy import Dialect, table

from .names import split_name

__all__ = ["offline", "quoted"]


def offline(dialect: Dialect) -> Dialect:
    """The same dialect for text that no driver takes apart: a % stays a %.

    Args:
        dialect: of an open connection, so that it knows the server's version.
    """
    copied = copy.copy(dialect)
    copied.paramstyle = "named"
    copied.positional = False
    copied.identifier_preparer = dialect.preparer(copied)
    return copied


def quoted(dialect: Dialect, name: str) -> str:
    """A full name, `schema.name` or `name`, quoted where it must be, in text that no driver takes apart."""
    schema, bare = split_name(name)
    preparer: Any = offline(dialect).identifier_preparer
    return str(preparer.format_table(table(bare, schema=schema)))
