"""The engine for MariaDB 10.7 and later: a schema is a database there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any, ClassVar
from uuid import UUID

import pymysql
from sqlalchemy import CheckConstraint, Engine, MetaData, Table, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from ...errors import DatakitError, LockedError, TargetError
from ...loading.load import Load
from ...runs.result import LoadResult
from ..base import BaseEngine
from .errors import translate
from .loader import COLLATION, carry_out
from .types import formatted_type

__all__ = ["MariadbEngine", "may_create"]

# A value that does not fit is an error, a moment means the same everywhere, and text is any text.
_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', time_zone = '+00:00', innodb_lock_wait_timeout = %s"
)
# What ends these locks is the end of the session, so a killed program leaves none.
_LOCK_PREFIX = "datakit "
_LONGEST_LOCK_NAME = 64
_CREATE = re.compile(
    r"GRANT (?:[A-Z ]+, )*(?:ALL PRIVILEGES|CREATE)(?:, [A-Z ]+)* ON (?:\*|`(?:[^`]|``)*`)\.\*"
)


class MariadbEngine(BaseEngine):
    """MariaDB, through PyMySQL.

    A schema is a database, so deploying needs the right to create those that are missing. Statements
    that create tables cannot be rolled back: a deployment that is stopped half-way goes on where it
    was when it is done again. Loads are into bronze tables only.
    """

    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    longest_name: ClassVar[int | None] = 64
    oldest_version: ClassVar[tuple[int, ...] | None] = (10, 7)

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine, with a strict session."""
        engine = create_engine(
            self.target.secret_url(),
            **self.pool_arguments(),
            hide_parameters=True,
            connect_args=self._settings(),
        )

        @event.listens_for(engine, "connect", insert=True)
        def set_session(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(_SESSION, (max(1, round(self.target.lock_timeout)),))
                if self.target.statement_timeout is not None:
                    cursor.execute("SET SESSION max_statement_time = %s", (self.target.statement_timeout,))
            if "read_timeout" not in self.target.options:
                # It was for the server's greeting. From here on a statement takes as long as it takes.
                connection._read_timeout = None

        return engine

    def _settings(self) -> dict[str, Any]:
        seconds = max(1, round(self.target.connect_timeout))
        return {
            "charset": "utf8mb4",
            "connect_timeout": seconds,
            # The other ends when the socket is there: who then says nothing would be waited for without end.
            "read_timeout": seconds,
            "program_name": "datakit",
            **self.target.options,
        }

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.mariadb.errors`."""
        return translate(error, self.target)

    def check_rights(self) -> None:
        """Creating databases and tables needs the right CREATE, on all of them or on some."""
        grants: list[str] = list(self.connection.execute(text("SHOW GRANTS")).scalars())
        if not may_create(grants):
            user: str = self.connection.execute(text("SELECT CURRENT_USER()")).scalar_one()
            raise TargetError(
                f"target {self.target.name}: user {user!r} lacks the right CREATE on any database",
                hint="GRANT CREATE ON *.* TO it, or on the databases that a datakit calls its schemas",
                target=self.target.name,
            )

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
        connection = self._connection
        if connection is None:
            return
        driver: Any = connection.connection.driver_connection
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
            cursor.execute("KILL QUERY %s", (driver.thread_id(),))

    def forbid_writes(self) -> None:
        """Make the session one that only reads, from its next transaction on, and begin that."""
        self.connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
        self.connection.execute(text("START TRANSACTION READ ONLY"))

    def _type_text(self, type_: Any) -> str:
        return formatted_type(super()._type_text(type_))


def may_create(grants: Iterable[str]) -> bool:
    """Whether what SHOW GRANTS prints has the right CREATE, for whatever databases."""
    return any(_CREATE.match(grant) for grant in grants)


def _name_checks_of_columns(table: Table) -> None:
    """Make checks that belong to one column checks of the table: only those may have a name."""
    for column in table.columns:
        for check in [each for each in column.constraints if isinstance(each, CheckConstraint)]:
            column.constraints.discard(check)
            table.append_constraint(CheckConstraint(check.sqltext, name=check.name))
