"""The framework's engine for `mssql://`: it connects, and says what the server's errors mean."""

from __future__ import annotations

import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.errors import DatakitError

from .connection import open_connection
from .errors import translate

__all__ = ["SqlServerEngine"]


class SqlServerEngine(BaseEngine):
    """SQL Server 2012 and later, and Azure SQL: a source. Nothing is loaded into it."""

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine over `open_connection`."""
        target = self.target
        return create_engine(
            "mssql+pyodbc://",
            creator=lambda: open_connection(target),
            poolclass=NullPool,
            hide_parameters=True,
        )

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlserver_runner.errors`."""
        original = getattr(error, "orig", None)
        if isinstance(original, pyodbc.Error):
            return translate(original, self.target)
        return super().translate(error)
