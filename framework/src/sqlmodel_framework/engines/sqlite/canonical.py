"""What a declaration means to SQLite: it is made in a database in memory, and read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import NullPool, create_engine

from ...schema.change import Step
from ...schema.snapshot import Scope, TableShape
from .catalog import read_contents
from .dialect import DIALECT

__all__ = ["as_made"]


def as_made(steps: Iterable[Step], scope: Scope) -> Mapping[str, TableShape]:
    """The tables that statements make, by full name.

    Args:
        steps: the statements.
        scope: what names mean.
    """
    engine = create_engine(f"{DIALECT}://", poolclass=NullPool)
    try:
        with engine.begin() as connection:
            for step in steps:
                connection.exec_driver_sql(step.sql)
            return read_contents(connection, scope).snapshot.tables
    finally:
        engine.dispose()
