"""The engine for PostgreSQL 13 and later."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Column, Engine, NullPool, Table, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from ...errors import DatakitError
from ...loading.load import Load
from ...runs.ledger import SCHEMA as LEDGER_SCHEMA
from ...runs.result import LoadResult
from ...schema.snapshot import Snapshot
from ..base import BaseEngine
from . import catalog
from .errors import translate
from .types import formatted_type

__all__ = ["PostgresEngine"]

# The first half of every advisory lock of this package, so that it meets no other program's.
_LOCK_SPACE = 0x646B6974

# The same text must mean the same value for every user and on every server.
_SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
    "SET client_encoding = 'UTF8'; SET client_min_messages = 'warning'; "
    # The search path usually begins with a schema named after the user. For a user called datakit that
    # is the ledger's, as soon as it exists, and tables without a schema would move there.
    "SELECT set_config('search_path', "
    "coalesce(string_agg(quote_ident(s), ', ' ORDER BY n), 'public'), false) "
    f"FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (s, n) WHERE s <> '{LEDGER_SCHEMA}'"
)


class PostgresEngine(BaseEngine):
    """PostgreSQL, through psycopg2."""

    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    longest_name: ClassVar[int | None] = 63

    _driver_connection: Any = None
    _in_run: bool = False

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine, with a session that reads dates and times alike everywhere."""
        engine = create_engine(
            self.target.secret_url(),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={
                "connect_timeout": self.target.connect_timeout,
                "application_name": "datakit",
                **self.target.options,
            },
        )

        # Before SQLAlchemy itself asks the new connection for its default schema.
        @event.listens_for(engine, "connect", insert=True)
        def set_session(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION)
            connection.commit()
            self._driver_connection = connection

        return engine

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.postgres.errors`."""
        return translate(error, self.target)

    def lock(self, purpose: str) -> None:
        """Take an advisory lock until the transaction ends; wait at most the target's `lock_timeout`."""
        self._take_lock("pg_advisory_xact_lock", purpose)

    def _take_lock(self, function: str, purpose: str) -> None:
        # To PostgreSQL 0 ms means for ever.
        milliseconds = math.ceil(self.target.lock_timeout * 1000)
        self.connection.execute(
            text("SELECT set_config('lock_timeout', :timeout, true)"), {"timeout": f"{milliseconds}ms"}
        )
        self.connection.execute(
            text(f"SELECT {function}(:space, :purpose)"),
            {"space": _LOCK_SPACE, "purpose": zlib.crc32(purpose.encode()) - 2**31},
        )

    def read_snapshot(self, tables: Iterable[Table]) -> Snapshot:
        """What is there, in two queries."""
        return catalog.read_snapshot(self.connection, tables)

    def declared_type(self, column: Column[Any]) -> str:
        """The column's type as `format_type` writes it."""
        dialect = self.connection.dialect
        return formatted_type(str(column.type.compile(dialect=dialect)), dialect.default_schema_name or "")

    def begin_run(self, datakit: str) -> None:
        """Keep other runs of this datakit away until the connection closes; widen the session's memory."""
        with self.transaction() as connection:
            self._take_lock("pg_advisory_lock", f"run {datakit}")
            # The server's small defaults would send every sort and every staged row to disk.
            connection.execute(text("SET temp_buffers = '64MB'"))
            connection.execute(text("SET work_mem = '64MB'"))
        self._in_run = True

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction; see `sqlmodel_framework.engines.postgres.loader`."""
        from .loader import carry_out

        with self.transaction() as connection:
            return carry_out(
                connection,
                load,
                run_id=run_id,
                datakit=datakit,
                progress=progress,
                type_name=self.declared_type,
            )

    def cancel(self) -> None:
        """Ask the server to cancel the statement that is under way."""
        if self._driver_connection is not None:
            self._driver_connection.cancel()

    def forbid_writes(self) -> None:
        """Make the transaction that was just begun one that only reads, and those after it.

        The session's default is set as well: SQL text could end the transaction and go on.
        """
        self.connection.execute(text("SET TRANSACTION READ ONLY"))
        if not self._in_run:
            self.connection.execute(text("SET default_transaction_read_only = on"))
