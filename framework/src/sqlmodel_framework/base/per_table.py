"""Parts of a column that belong to one table only, though many tables have the field that describes it.

SQLModel makes a new `Column` for each table from one description. Whatever the description holds is
therefore made anew each time it is read, or it would be shared by every table that uses the mixin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, overload

from sqlalchemy import Column, Table, event
from sqlalchemy.schema import SchemaItem

__all__ = ["ItemsOfEachTable", "OptionsOfEachTable", "when_in_table"]


class ItemsOfEachTable(Sequence[Any]):
    """Positional arguments of a column: `make` is called whenever they are read."""

    def __init__(self, make: Callable[[], list[Any]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._make()[index]


class OptionsOfEachTable(Mapping[str, Any]):
    """Named arguments of a column: `make` is called whenever one is read."""

    def __init__(self, make: Callable[[], dict[str, Any]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())

    def __getitem__(self, name: str) -> Any:
        return self._make()[name]


def when_in_table(act: Callable[[Column[Any], Table], None]) -> SchemaItem:
    """An argument of a column that acts once the column is in its table, and leaves nothing else behind."""
    item = SchemaItem()

    def in_column(_item: SchemaItem, column: Column[Any]) -> None:
        event.listen(column, "after_parent_attach", act)

    event.listen(item, "after_parent_attach", in_column)
    return item
