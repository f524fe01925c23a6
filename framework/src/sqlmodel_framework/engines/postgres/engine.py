"""The engine for PostgreSQL 15 and later."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Engine, Table, create_engine, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from ...base.partitions import INFO as PARTITIONS_INFO
from ...errors import DatakitError, TargetError
from ...loading.load import Load
from ...runs.ledger import SCHEMA as LEDGER_SCHEMA
from ...runs.result import LoadResult
from ...schema.names import full_name
from ...schema.snapshot import Scope, Snapshot, TableShape, ViewShape
from ...schema.upkeep import Upkeep
from ..base import BaseEngine, Place
from . import catalog, cost
from .canonical import canonical_tables, canonical_view
from .errors import in_use, translate
from .types import formatted_type
from .upkeep import upkeep
from .values import exact

if TYPE_CHECKING:
    from ...schema.change import Step
    from ...schema.declared import Declared
    from ...schema.difference import Difference
    from ...verify.result import Comparison
    from ..ddl import DdlWriter

__all__ = ["PostgresEngine"]

# The first half of every advisory lock of this package, so that it meets no other program's.
_LOCK_SPACE = 0x646B6974
_LOCKS = "unnest(CAST(:purposes AS integer[]), CAST(:shared AS boolean[])) AS lock (purpose, shared)"
_TRY_ALL = (
    "SELECT purpose, shared, CASE WHEN shared THEN pg_try_advisory_lock_shared(:space, purpose) "
    f"ELSE pg_try_advisory_lock(:space, purpose) END AS taken FROM {_LOCKS}"
)
_LET_GO = (
    "SELECT CASE WHEN shared THEN pg_advisory_unlock_shared(:space, purpose) "
    f"ELSE pg_advisory_unlock(:space, purpose) END FROM {_LOCKS}"
)
# Seconds between two tries for a lock.
_PAUSE = 0.1

# The same text must mean the same value for every user and on every server.
_SESSION = (
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; "
    "SET client_encoding = 'UTF8'; SET client_min_messages = 'warning'; "
    # Numbers as texts are whole, so that two that differ never have the same.
    "SET extra_float_digits = '1'; "
    # No longer to be changed after the first temporary table, and nothing that is used before it.
    "SET temp_buffers = '128MB'; "
    # The search path usually begins with a schema named after the user. For a user called datakit that
    # is the ledger's, as soon as it exists, and tables without a schema would move there.
    "SELECT set_config('search_path', "
    "coalesce(string_agg(quote_ident(s), ', ' ORDER BY n), 'public'), false) "
    f"FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (s, n) WHERE s <> '{LEDGER_SCHEMA}'"
)


class PostgresEngine(BaseEngine):
    """PostgreSQL, through psycopg2."""

    can_plan: ClassVar[bool] = True
    transactional_ddl: ClassVar[bool] = True
    has_enums: ClassVar[bool] = True
    has_grants: ClassVar[bool] = True
    counting: ClassVar[str] = "serial"
    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    longest_name: ClassVar[int | None] = 63
    oldest_version: ClassVar[tuple[int, ...] | None] = (15,)

    steps_at_once: ClassVar[int] = 100
    """Statements of a plan that are sent together, within a transaction."""

    _in_run: bool = False

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine, with a session that reads dates and times alike everywhere."""
        engine = create_engine(
            self.target.secret_url(),
            **self.pool_arguments(),
            hide_parameters=True,
            connect_args={
                "connect_timeout": self.target.connect_timeout,
                "application_name": "datakit",
                **self.target.options,
            },
        )

        # Before SQLAlchemy itself asks the new connection for its default schema.
        @event.listens_for(engine, "connect", insert=True)
        def begin_session(connection: Any, _record: Any) -> None:
            if self.target.tls in ("require", "verify-full") and not connection.info.ssl_in_use:
                connection.close()
                # libpq looks away from sslmode on a socket, and where Kerberos encrypts.
                raise TargetError(
                    f"target {self.target.name}: tls is {self.target.tls!r}, and the connection is without",
                    hint="there is none on a socket: name the server's host, or drop tls",
                    target=self.target.name,
                )
            self._set_session(connection)

        return engine

    def _set_session(self, connection: Any) -> None:
        # The driver would go on to write texts as the server keeps them, were it only told by a statement.
        connection.set_client_encoding("UTF8")
        with connection.cursor() as cursor:
            cursor.execute(_SESSION)
            if self.target.statement_timeout is not None:
                cursor.execute("SET statement_timeout = %s", (_milliseconds(self.target.statement_timeout),))
        connection.commit()

    def renew_session(self, driver_connection: Any) -> bool:
        """End what is under way, and discard locks, temporary tables and settings."""
        driver_connection.rollback()
        driver_connection.autocommit = True
        with driver_connection.cursor() as cursor:
            cursor.execute("DISCARD ALL")
        driver_connection.autocommit = False
        self._set_session(driver_connection)
        return True

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.postgres.errors`."""
        return translate(error, self.target)

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold an advisory lock of the session; wait at most the target's `lock_timeout`."""
        self._hold(purpose)
        try:
            yield
        except BaseException:
            # A connection that is lost has lost its locks as well; what says so best is the error itself.
            with suppress(DatakitError, SQLAlchemyError):
                self._ask_for_lock("pg_advisory_unlock", purpose)
            raise
        self._ask_for_lock("pg_advisory_unlock", purpose)

    def _hold(self, purpose: str) -> None:
        # Asked for again and again rather than waited for: an index that is made beside the work of others
        # waits for every statement under way, and a statement that waits for the lock would be one.
        deadline = time.monotonic() + self.target.lock_timeout
        while not self._ask_for_lock("pg_try_advisory_lock", purpose):
            if time.monotonic() > deadline:
                raise in_use(self.target)
            time.sleep(_PAUSE)

    def _hold_all(self, purposes: Mapping[str, bool]) -> None:
        """Hold several locks or none of them: those of the value True shared, the others alone."""
        deadline = time.monotonic() + self.target.lock_timeout
        while not self._try_all(purposes):
            if time.monotonic() > deadline:
                raise in_use(self.target)
            time.sleep(_PAUSE)

    def _try_all(self, purposes: Mapping[str, bool]) -> bool:
        values = {
            "space": _LOCK_SPACE,
            "purposes": [_lock_key(purpose) for purpose in purposes],
            "shared": list(purposes.values()),
        }
        with self.transaction() as connection:
            taken = connection.execute(text(_TRY_ALL), values).all()
            if all(row.taken for row in taken):
                return True
            held = [row for row in taken if row.taken]
            values |= {"purposes": [row.purpose for row in held], "shared": [row.shared for row in held]}
            connection.execute(text(_LET_GO), values)
        return False

    def _ask_for_lock(self, function: str, purpose: str) -> bool:
        key = {"space": _LOCK_SPACE, "purpose": _lock_key(purpose)}
        with self.transaction() as connection:
            done: bool = connection.execute(text(f"SELECT {function}(:space, :purpose)"), key).scalar_one()
        return done

    def read_snapshot(self, scope: Scope) -> Snapshot:
        """Everything there is within a scope, in a handful of queries."""
        return catalog.read_snapshot(self.connection, scope)

    def existing_views(self, schemas: Collection[str]) -> Sequence[Place]:
        """Every view of some schemas, also those that keep their rows."""
        found = [*super().existing_views(schemas)]
        for schema in sorted(schemas):
            own = None if schema == self.connection.dialect.default_schema_name else schema
            names = inspect(self.connection).get_materialized_view_names(schema)
            found += [(own, name) for name in sorted(names)]
        return found

    def beyond_shapes(self, places: Collection[Place]) -> Sequence[tuple[str, str, str]]:
        """Exclusion constraints."""
        return catalog.exclusions(self.connection, places)

    def comparable(self, shape: TableShape) -> TableShape:
        """A declared shape as a whole: the catalog tells everything."""
        return shape

    def canonical(self, declared: Declared, names: Collection[str]) -> Mapping[str, TableShape]:
        """See `sqlmodel_framework.engines.postgres.canonical`."""
        return canonical_tables(self.connection, declared, names)

    def canonical_view(self, view: ViewShape) -> ViewShape:
        """See `sqlmodel_framework.engines.postgres.canonical`."""
        return canonical_view(self.connection, view)

    def upkeep(self, table: Table) -> Upkeep:
        """See `sqlmodel_framework.engines.postgres.upkeep`."""
        return upkeep(table, self.connection.dialect.default_schema_name or "public")

    def declared_partitioning(self, table: Table) -> str | None:
        """What follows PARTITION BY."""
        found: str | None = table.dialect_options["postgresql"]["partition_by"]
        return found

    def declared_partitions(self, table: Table) -> Mapping[str, str]:
        """What follows PARTITION OF, for each partition."""
        found: Mapping[str, str] = table.info.get(PARTITIONS_INFO, {})
        return {full_name(table.schema, name.rpartition(".")[2]): bounds for name, bounds in found.items()}

    def ddl(
        self, have: Snapshot, tables: Mapping[str, Table], large: frozenset[str] = frozenset()
    ) -> DdlWriter:
        """See `sqlmodel_framework.engines.postgres.ddl`."""
        from .ddl import PostgresDdl
        from .readers import views_on

        return PostgresDdl(self.connection.dialect, have, tables, large, partial(views_on, self.connection))

    def effect_of(self, difference: Difference) -> str:
        """See `sqlmodel_framework.engines.postgres.cost`."""
        return cost.effect_of(difference)

    def values_that_change(self, difference: Difference) -> int:
        """See `sqlmodel_framework.engines.postgres.cost`."""
        return cost.values_that_change(self.connection, difference)

    def limit_waiting(self) -> None:
        """Set the session's patience for locks; to PostgreSQL 0 ms means for ever."""
        self.connection.execute(
            text("SELECT set_config('lock_timeout', :timeout, true)"),
            {"timeout": _milliseconds(self.target.lock_timeout)},
        )

    def execute_steps(self, steps: Sequence[Step]) -> None:
        """Carry out statements of a plan, many at a time: one by one, most of the time would be the way."""
        for first in range(0, len(steps), self.steps_at_once):
            text_of_many = ";\n".join(step.sql for step in steps[first : first + self.steps_at_once])
            self.connection.exec_driver_sql(text_of_many, execution_options={"no_parameters": True})

    def table_bytes(self, names: Collection[str]) -> Mapping[str, int]:
        """How much each of these tables holds, indexes left out."""
        return catalog.table_bytes(self.connection, names)

    def declared_type(self, column: Column[Any]) -> str:
        """The column's type as `format_type` writes it."""
        dialect = self.connection.dialect
        return formatted_type(str(column.type.compile(dialect=dialect)), dialect.default_schema_name or "")

    def exact(self, column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
        """See `sqlmodel_framework.engines.postgres.values`."""
        return exact(column, value)

    def bytes_sql(self, value: bytes) -> str:
        """Bytes as a statement holds them."""
        return f"'\\x{value.hex()}'::bytea"

    def begin_run(self, datakit: str) -> None:
        """Keep other runs of this datakit away until the connection closes; widen the session's memory."""
        self._hold(f"run {datakit}")
        self._widen_memory()

    def begin_loads(self, datakit: str, tables: Collection[str]) -> None:
        """Share the datakit's lock with runs of other loads, and hold those of the tables alone."""
        self._hold_all({f"run {datakit}": True} | {_load_purpose(table): False for table in tables})
        self._widen_memory()

    def _widen_memory(self) -> None:
        with self.transaction() as connection:
            # The server's small default would send every sort to disk.
            connection.execute(text("SET work_mem = '64MB'"))
        self._in_run = True

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load; see `sqlmodel_framework.engines.postgres.loader`, and `.straight`."""
        from ..registry import engine_for
        from . import straight

        with self.locked(_load_purpose(load.full_table_name)):
            source = straight.straight_source(load)
            if source is not None:
                done = straight.carry_out(
                    self,
                    engine_for(source.database),
                    load,
                    source,
                    run_id=run_id,
                    datakit=datakit,
                    progress=progress,
                )
                if done is not None:
                    return done
            return self._load_by_stage(load, run_id, datakit, progress)

    def _load_by_stage(
        self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]
    ) -> LoadResult:
        from .appending import append, is_left_to_the_table
        from .loader import carry_out

        with self.transaction() as connection:
            if is_left_to_the_table(load):
                return append(
                    connection, load, run_id=run_id, type_name=self.declared_type, progress=progress
                )
            return carry_out(
                connection,
                load,
                run_id=run_id,
                datakit=datakit,
                progress=progress,
                type_name=self.declared_type,
            )

    def compare(
        self, load: Load, *, chunk_rows: int, whole: bool, progress: Callable[[int], None]
    ) -> Comparison:
        """Compare in temporary tables; see `sqlmodel_framework.engines.postgres.verifying`."""
        from .verifying import compare_load

        return compare_load(
            self,
            load,
            chunk_rows=chunk_rows,
            whole=whole,
            progress=progress,
        )

    def write_csv(self, query: str, file: BinaryIO) -> None:
        """Write the rows of a query by one COPY, so that they are never Python objects."""
        from .csv_copy import write_query

        write_query(self.connection, query, file)

    def cancel(self) -> None:
        """Ask the server to cancel the statement that is under way."""
        connection = self._connection
        if connection is not None:
            driver: Any = connection.connection.driver_connection
            driver.cancel()

    def check_rights(self) -> None:
        """Creating schemas needs the right CREATE on the database."""
        lacking: tuple[str, str] | None = self.connection.execute(
            text(
                "SELECT d, u FROM current_database() AS d, current_user AS u "
                "WHERE NOT has_database_privilege(d, 'CREATE')"
            )
        ).one_or_none()
        if lacking is not None:
            database, user = lacking
            quote = self.connection.dialect.identifier_preparer.quote_identifier
            raise TargetError(
                f"target {self.target.name}: user {user!r} lacks the right CREATE on database {database!r}",
                hint=f"GRANT CREATE ON DATABASE {quote(database)} TO {quote(user)}",
                target=self.target.name,
            )

    def forbid_writes(self) -> None:
        """Make the transaction that was just begun one that only reads, and those after it.

        The session's default is set as well: SQL text could end the transaction and go on.
        """
        self.connection.execute(text("SET TRANSACTION READ ONLY"))
        if not self._in_run:
            self.connection.execute(text("SET default_transaction_read_only = on"))


def _lock_key(purpose: str) -> int:
    return zlib.crc32(purpose.encode()) - 2**31


def _load_purpose(table: str) -> str:
    return f"load {table}"


def _milliseconds(seconds: float) -> str:
    # To PostgreSQL 0 ms means for ever.
    return f"{math.ceil(seconds * 1000)}ms"
