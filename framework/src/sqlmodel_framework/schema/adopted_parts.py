"""The parts of a table besides its columns, as Python code, in the database's own words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlacodegen.utils import render_callable
from sqlalchemy import Dialect

from .dialects import offline
from .names import split_name
from .rebuilding import name_or_none
from .snapshot import ForeignKeyShape, IndexShape, TableShape

__all__ = ["TableParts", "escaped"]

_PARAMETER = re.compile(r"\\:|(?<![:\w$]):[\w$]")


def escaped(words: str) -> str:
    """SQL for SQLAlchemy's `text`, which takes `:name` for a parameter."""
    return words.replace(":", "\\:") if _PARAMETER.search(words) else words


class TableParts:
    """Writes what stands in `__table_args__`.

    Args:
        dialect: of an open connection.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.name = dialect.name
        self.quote = offline(dialect).identifier_preparer.quote

    def imports(self, shape: TableShape) -> Iterator[str]:
        """The names of SQLAlchemy that a table's parts need."""
        if _is_out_of_order(shape):
            yield "PrimaryKeyConstraint"
        if shape.uniques:
            yield "UniqueConstraint"
        if shape.checks:
            yield "CheckConstraint"
        if shape.foreign_keys:
            yield "ForeignKeyConstraint"
        if shape.indexes:
            yield "Index"
        columns = {self.quote(name) for name in shape.columns}
        indexes = shape.indexes.values()
        if any(each.where is not None or not columns.issuperset(each.parts) for each in indexes):
            yield "text"

    def render(self, shape: TableShape, schema: str | None) -> str:
        """The parts, or "" where there are none."""
        parts = list(self._parts(shape))
        options: dict[str, Any] = {}
        if schema is not None:
            options["schema"] = schema
        if shape.comment is not None:
            options["comment"] = shape.comment
        if shape.partition_by is not None:
            options[f"{self.name}_partition_by"] = shape.partition_by
        if not parts:
            return repr(options) if options else ""
        if options:
            parts.append(repr(options))
        lines = "".join(f"    {part},\n" for part in parts)
        return f"(\n{lines})"

    def _parts(self, shape: TableShape) -> Iterator[str]:
        if _is_out_of_order(shape):
            yield render_callable("PrimaryKeyConstraint", *map(repr, shape.primary_key))
        for name, columns in shape.uniques.items():
            yield render_callable("UniqueConstraint", *map(repr, columns), kwargs=_named(name))
        for name, check in shape.checks.items():
            yield render_callable("CheckConstraint", repr(escaped(check.expression)), kwargs=_named(name))
        for name, key in shape.foreign_keys.items():
            yield _foreign_key(name, key)
        columns_by_words = {self.quote(name): name for name in shape.columns}
        for name, index in shape.indexes.items():
            yield self._index(name, index, columns_by_words)

    def _index(self, name: str, index: IndexShape, columns: Mapping[str, str]) -> str:
        parts = [repr(columns[part]) if part in columns else _text(part) for part in index.parts]
        options: dict[str, Any] = {"unique": True} if index.unique else {}
        if index.where is not None:
            options[f"{self.name}_where"] = _text(index.where)
        if index.method in ("fulltext", "spatial"):
            options[f"{self.name}_prefix"] = repr(index.method.upper())
        elif index.method:
            options[f"{self.name}_using"] = repr(index.method)
        if index.include:
            options[f"{self.name}_include"] = list(index.include)
        return render_callable("Index", repr(name), *parts, kwargs=options)


def _is_out_of_order(shape: TableShape) -> bool:
    """Whether the key's columns come otherwise than those of the table."""
    return list(shape.primary_key) != [name for name in shape.columns if name in shape.primary_key]


def _text(words: str) -> str:
    return render_callable("text", repr(escaped(words)))


def _named(name: str) -> dict[str, str]:
    own = name_or_none(name)
    return {} if own is None else {"name": repr(own)}


def _foreign_key(name: str, key: ForeignKeyShape) -> str:
    table = ".".join(part for part in split_name(key.to_table) if part is not None)
    options = dict(_named(name))
    if key.on_delete:
        options["ondelete"] = repr(key.on_delete)
    if key.on_update:
        options["onupdate"] = repr(key.on_update)
    if key.deferrable:
        options |= {"deferrable": "True", "initially": repr(key.deferrable.removeprefix("INITIALLY "))}
    columns = [f"{table}.{each}" for each in key.to_columns]
    return render_callable("ForeignKeyConstraint", repr(list(key.columns)), repr(columns), kwargs=options)
