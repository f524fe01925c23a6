"""Past states as objects of the table's class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import FromClause, inspect
from sqlalchemy.orm import Bundle, configure_mappers
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import SQLModel

from ..base.tables import table_of

__all__ = ["Past"]


class Past(Bundle[Any]):
    """Rows of states, each made an object of the class that belongs to no session.

    A session holds one object for each key. It would take the states of one key for one and the same,
    and show the present where the past was asked for; and what is past cannot be written.

    Args:
        model: the class.
        rows: where its columns are.
    """

    def __init__(self, model: type[SQLModel], rows: FromClause) -> None:
        # Objects are made without SQLAlchemy's own way to them, which would have seen to this.
        configure_mappers()
        mapper = inspect(model)
        columns = table_of(model).columns
        self.model = model
        self.attributes = [mapper.get_property_by_column(column).key for column in columns]
        super().__init__("state", *(rows.c[column.key] for column in columns))

    def create_row_processor(
        self, query: Any, procs: Sequence[Callable[[Any], Any]], labels: Sequence[str]
    ) -> Callable[[Any], Any]:
        """How an object is made of a row."""
        new = inspect(self.model).class_manager.new_instance
        parts = list(zip(self.attributes, procs, strict=True))

        def made(row: Any) -> Any:
            state: Any = new()
            for attribute, value_of in parts:
                set_committed_value(state, attribute, value_of(row))
            return state

        return made
