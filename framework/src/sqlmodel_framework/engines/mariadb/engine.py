"""The engine for MariaDB 10.7 and later: a schema is a database there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, ClassVar
from uuid import UUID

import pymysql
from sqlalchemy import CheckConstraint, Engine, MetaData, NullPool, Table, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from ...errors import DatakitError, LockedError
from ...loading.load import Load
from ...runs.result import LoadResult
from ..base import BaseEngine
from .errors import translate
from .loader import COLLATION, carry_out
from .types import formatted_type

__all__ = ["MariadbEngine"]

# A value that does not fit is an error, a moment means the same everywhere, and text is any text.
_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', time_zone = '+00:00', innodb_lock_wait_timeout = %s, "
    # Past states get the columns that a table gets.
    "system_versioning_alter_history = KEEP"
)
# What ends these locks is the end of the session, so a killed program leaves none.
_LOCK_PREFIX = "datakit "
_LONGEST_LOCK_NAME = 64


class MariadbEngine(BaseEngine):
    """MariaDB, through PyMySQL.

    A schema is a database, so deploying needs the right to create those that are missing. Statements
    that create tables cannot be rolled back: a deployment that is stopped half-way goes on where it
    was when it is done again. Loads are into bronze tables only.
    """

    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    longest_name: ClassVar[int | None] = 64

    _connection_id: int | None = None

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine, with a strict session."""
        engine = create_engine(
            self.target.secret_url(), poolclass=NullPool, hide_parameters=True, connect_args=self._settings()
        )

        @event.listens_for(engine, "connect", insert=True)
        def set_session(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION, (max(1, round(self.target.lock_timeout)),))
            self._connection_id = connection.thread_id()

        return engine

    def _settings(self) -> dict[str, Any]:
        return {
            "charset": "utf8mb4",
            "connect_timeout": max(1, round(self.target.connect_timeout)),
            "program_name": "datakit",
            **self.target.options,
        }

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.mariadb.errors`."""
        return translate(error, self.target)

    def lock(self, purpose: str) -> None:
        """Take a named lock until the connection closes; wait at most the target's `lock_timeout`."""
        name = f"{_LOCK_PREFIX}{purpose}"[:_LONGEST_LOCK_NAME]
        seconds = self.target.lock_timeout
        taken: object = self.connection.execute(
            text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": seconds}
        ).scalar_one()
        if taken != 1:
            raise LockedError(
                f"target {self.target.name} is in use by another deployment or run",
                hint=f"it was waited for {seconds:g} s; try later",
                target=self.target.name,
            )

    def begin_run(self, datakit: str) -> None:
        """Keep other runs of this datakit away until the connection closes."""
        with self.transaction():
            self.lock(f"run {datakit}")

    def create_schemas(self, names: Iterable[str]) -> None:
        """Create databases that are missing."""
        quote = self.connection.dialect.identifier_preparer.quote_identifier
        for name in names:
            self.connection.execute(
                text(f"CREATE DATABASE IF NOT EXISTS {quote(name)} CHARACTER SET utf8mb4 COLLATE {COLLATION}")
            )

    def create_tables(self, metadata: MetaData) -> None:
        """Create the tables that are missing, for any text and with transactions.

        Text is compared character by character, as in PostgreSQL, unless the table says otherwise.
        """
        for table in metadata.tables.values():
            table.dialect_options["mariadb"].setdefault("charset", "utf8mb4")
            table.dialect_options["mariadb"].setdefault("collate", COLLATION)
            table.dialect_options["mariadb"].setdefault("engine", "InnoDB")
            _name_checks_of_columns(table)
        super().create_tables(metadata)

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction; see `sqlmodel_framework.engines.mariadb.loader`."""
        with self.transaction() as connection:
            return carry_out(connection, load, run_id=run_id, progress=progress)

    def cancel(self) -> None:
        """Ask the server, over a connection of its own, to end the statement that is under way."""
        if self._connection_id is None:
            return
        url = self.target.secret_url()
        password = None if url.password is None else str(url.password)
        killer = pymysql.connect(
            host=url.host or "localhost",
            port=url.port or 3306,
            user=url.username,
            password=password or "",
            **self._settings(),
        )
        with closing(killer), killer.cursor() as cursor:
            cursor.execute("KILL QUERY %s", (self._connection_id,))

    def forbid_writes(self) -> None:
        """Make the session one that only reads, from its next transaction on, and begin that."""
        self.connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        self.connection.execute(text("START TRANSACTION READ ONLY"))

    def _type_text(self, type_: Any) -> str:
        return formatted_type(super()._type_text(type_))


def _name_checks_of_columns(table: Table) -> None:
    """Make checks that belong to one column checks of the table: only those may have a name."""
    for column in table.columns:
        for check in [each for each in column.constraints if isinstance(each, CheckConstraint)]:
            column.constraints.discard(check)
            table.append_constraint(CheckConstraint(check.sqltext, name=check.name))
