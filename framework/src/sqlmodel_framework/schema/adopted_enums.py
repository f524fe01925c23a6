"""Python's enums for the types of named values that a database has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Enum, Table

from .adopted_names import class_name, free_name, member_name

__all__ = ["AdoptedEnums"]


class AdoptedEnums:
    """The enums of the columns of tables: one for each type, or for each column where types have no names."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[str, Sequence[str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._known)

    def name(self, table: Table, taken: set[str]) -> None:
        """Give names to the enums that a table's columns need; `taken` are those of the module."""
        for column in table.columns:
            kind = _enum_of(column)
            if kind is None or _key(kind, column) in self._known:
                continue
            name = class_name(kind.name) if kind.name else class_name(table.name, column.name)
            name = free_name(name if name not in taken else f"{name}Value", taken)
            taken.add(name)
            self._known[_key(kind, column)] = (name, kind.enums)

    def class_of(self, column: Column[Any]) -> str | None:
        """The name of the enum of a column, or None for a column of another type or without a name yet."""
        kind = _enum_of(column)
        return None if kind is None else self._known.get(_key(kind, column), (None,))[0]

    def render(self, indentation: str) -> Iterator[str]:
        """The code of each enum."""
        for name, values in sorted(self._known.values()):
            taken: set[str] = set()
            lines = [f"class {name}(enum.Enum):"]
            for value in values:
                member = free_name(member_name(value), taken)
                taken.add(member)
                lines.append(f"{indentation}{member} = {value!r}")
            yield "\n".join(lines)


def _enum_of(column: Column[Any]) -> Enum | None:
    inner = getattr(column.type, "item_type", column.type)
    return inner if isinstance(inner, Enum) else None


def _key(kind: Enum, column: Column[Any]) -> Any:
    """What tells a type of named values from others: its name, or where it has none, its column."""
    return (kind.schema, kind.name) if kind.name else (column.table.key, column.name)
