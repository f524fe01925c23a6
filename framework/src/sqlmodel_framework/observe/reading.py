"""What a statement reads, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Dialect, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import Select

from ..targets.target import Target

__all__ = ["dialect_of", "sql_of", "tables_read"]


def dialect_of(target: Target) -> Dialect:
    """The SQL of a target, for people: what stands for a value is `:name`."""
    make: Callable[..., Dialect] = target.url.get_dialect()
    return make(paramstyle="named")


def sql_of(statement: Select[Any], target: Target) -> str:
    """A statement as text, without the values that it is given."""
    return target.mask(str(statement.compile(dialect=dialect_of(target))))


def tables_read(statement: Select[Any]) -> list[Table]:
    """The tables that a statement reads, wherever in it, each once."""
    found = (element for element in visitors.iterate(statement) if isinstance(element, Table))
    return list({table.fullname: table for table in found}.values())
