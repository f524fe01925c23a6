"""The engine for MariaDB 10.11 and later: a schema is a database there."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import pymysql
from sqlalchemy import Column, ColumnElement, Engine, Table, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from ...errors import DatakitError, LockedError, TargetError
from ...loading.load import Load
from ...runs.result import LoadResult
from ...schema.dialects import quoted
from ...schema.snapshot import Scope, Snapshot, TableShape
from ...schema.upkeep import Upkeep
from ..base import BaseEngine
from ..staged_bronze import carry_out
from . import catalog, cost
from .canonical import canonical_tables
from .ddl import MariadbDdl
from .errors import translate
from .loader import STAGING
from .partitioning import declared_partitioning, declared_partitions
from .shapes import without_implied
from .types import formatted_type
from .upkeep import upkeep
from .values import declared_value, exact

if TYPE_CHECKING:
    from ...schema.declared import Declared
    from ...schema.difference import Difference
    from ..ddl import DdlWriter

__all__ = ["MariadbEngine", "may_create"]

# A value that does not fit is an error, a moment means the same everywhere, and text is any text.
_SESSION = (
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', time_zone = '+00:00', innodb_lock_wait_timeout = %s, "
    # A table that keeps the history of its rows can be changed, and keeps what it has.
    "system_versioning_alter_history = KEEP"
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

    can_plan: ClassVar[bool] = True
    has_zones: ClassVar[bool] = False
    has_identity: ClassVar[bool] = False
    counting: ClassVar[str] = "auto"
    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    longest_name: ClassVar[int | None] = 64
    renames_across_schemas: ClassVar[bool] = True
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

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold a named lock of the session; wait at most the target's `lock_timeout`."""
        self._hold(purpose)
        try:
            yield
        except BaseException:
            # A connection that is lost has lost its locks as well; what says so best is the error itself.
            with suppress(DatakitError, SQLAlchemyError):
                self._release(purpose)
            raise
        self._release(purpose)

    def _release(self, purpose: str) -> None:
        with self.transaction() as connection:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _lock_name(purpose)})

    def _hold(self, purpose: str) -> None:
        seconds = self.target.lock_timeout
        with self.transaction() as connection:
            taken: object = connection.execute(
                text("SELECT GET_LOCK(:name, :seconds)"), {"name": _lock_name(purpose), "seconds": seconds}
            ).scalar_one()
        if taken != 1:
            raise LockedError(
                f"target {self.target.name} is in use by another deployment or run",
                hint=f"it was waited for {seconds:g} s; try later",
                target=self.target.name,
            )

    def begin_run(self, datakit: str) -> None:
        """Keep other runs of this datakit away until the connection closes."""
        self._hold(f"run {datakit}")

    def read_snapshot(self, scope: Scope) -> Snapshot:
        """Everything there is within a scope, in a handful of queries."""
        return catalog.read_snapshot(self.connection, scope)

    def own_schemas(self) -> Sequence[str]:
        """The database of the URL: the others on the server are not the target's."""
        default = self.connection.dialect.default_schema_name
        return [] if default is None else [default]

    def comparable(self, shape: TableShape) -> TableShape:
        """A declared table as the catalog would tell of it.

        A unique index is a unique constraint there, and a foreign key has an index of its own.
        """
        names = {self.quoted(name): name for name in shape.columns}
        uniques = {
            name: tuple(names[part] for part in index.parts)
            for name, index in shape.indexes.items()
            if index.unique and all(part in names for part in index.parts)
        }
        indexes = {name: index for name, index in shape.indexes.items() if name not in uniques}
        foreign_keys = {
            name: replace(
                key,
                on_delete=key.on_delete.replace("RESTRICT", ""),
                on_update=key.on_update.replace("RESTRICT", ""),
            )
            for name, key in shape.foreign_keys.items()
        }
        found = replace(
            shape,
            uniques={**shape.uniques, **uniques},
            indexes=indexes,
            foreign_keys=foreign_keys,
            comment=shape.comment or None,
        )
        return without_implied(found, self.quoted)

    def canonical(self, declared: Declared, names: Collection[str]) -> Mapping[str, TableShape]:
        """See `sqlmodel_framework.engines.mariadb.canonical`."""
        return canonical_tables(self.connection, declared, names)

    def declared_partitioning(self, table: Table) -> str | None:
        """What follows PARTITION BY, in the one spelling that the catalog is read in."""
        return declared_partitioning(table)

    def declared_partitions(self, table: Table) -> Mapping[str, str]:
        """The bounds of each partition that is declared."""
        return declared_partitions(table)

    def ddl(
        self, have: Snapshot, tables: Mapping[str, Table], large: frozenset[str] = frozenset()
    ) -> DdlWriter:
        """See `sqlmodel_framework.engines.mariadb.ddl`."""
        return MariadbDdl(self.connection.dialect, have, tables, large)

    def effect_of(self, difference: Difference) -> str:
        """See `sqlmodel_framework.engines.mariadb.cost`."""
        return cost.effect_of(difference)

    def values_that_change(self, difference: Difference) -> int:
        """See `sqlmodel_framework.engines.mariadb.cost`."""
        return cost.values_that_change(self.connection, difference)

    def rename_table_sql(self, old: str, new: str) -> str:
        """The statement that renames a table; a name without its database would be of another one."""
        dialect = self.connection.dialect
        return f"ALTER TABLE {quoted(dialect, old)} RENAME TO {quoted(dialect, new)}"

    def table_bytes(self, names: Collection[str]) -> Mapping[str, int]:
        """How much each of these tables holds, indexes left out."""
        return catalog.table_bytes(self.connection, names)

    def limit_waiting(self) -> None:
        """Set the session's patience with those who use a table; by default it is a day."""
        seconds = max(1, math.ceil(self.target.lock_timeout))
        self.connection.execute(text("SET SESSION lock_wait_timeout = :seconds"), {"seconds": seconds})

    def upkeep(self, table: Table) -> Upkeep:
        """See `sqlmodel_framework.engines.mariadb.upkeep`."""
        return upkeep(table)

    def declared_type(self, column: Column[Any]) -> str:
        """The column's type as the catalog would call it."""
        return formatted_type(str(column.type.compile(dialect=self.connection.dialect)))

    def declared_value(self, column: Column[Any], value: Any) -> ColumnElement[Any]:
        """See `sqlmodel_framework.engines.mariadb.values`."""
        return declared_value(column, value, self.connection.dialect)

    def exact(self, column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
        """See `sqlmodel_framework.engines.mariadb.values`."""
        return exact(column, value)

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction; see `sqlmodel_framework.engines.staged_bronze`."""
        with self.transaction() as connection:
            return carry_out(connection, load, STAGING, run_id=run_id, progress=progress)

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


def _lock_name(purpose: str) -> str:
    return f"{_LOCK_PREFIX}{purpose}"[:_LONGEST_LOCK_NAME]


def may_create(grants: Iterable[str]) -> bool:
    """Whether what SHOW GRANTS prints has the right CREATE, for whatever databases."""
    return any(_CREATE.match(grant) for grant in grants)
