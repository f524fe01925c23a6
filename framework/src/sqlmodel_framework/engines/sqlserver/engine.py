"""The engine for SQL Server 2017 and later, and Azure SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Column, ColumnElement, Connection, Engine, Executable, Table, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from ...errors import DatakitError, TargetError, TerminalError
from ...history.companion import ROLE, interval
from ...schema.dialects import offline, quoted
from ...schema.names import name_of, split_name
from ...schema.snapshot import Scope, Snapshot, TableShape, ViewShape
from ...schema.upkeep import Upkeep
from ..base import BaseEngine
from . import catalog, connecting, cost
from .canonical import BOUNDS, comparable, generated_words, query_of
from .ddl import SqlServerDdl
from .declaring import refuse_unworkable
from .errors import DRIVER_HINT, in_use, translate
from .queries import literal, widened
from .renaming import renaming_column
from .types import declared_type
from .upkeep import upkeep
from .values import declared_value, exact

if TYPE_CHECKING:
    from ...schema.change import Step
    from ...schema.difference import Difference
    from ..ddl import DdlWriter

__all__ = ["SqlServerEngine"]

# What ends these locks is the end of the session, so a killed program leaves none.
_TAKE = (
    "DECLARE @taken int; EXEC @taken = sys.sp_getapplock @Resource = {resource}, @LockMode = 'Exclusive', "
    "@LockOwner = 'Session', @LockTimeout = {milliseconds}; SELECT @taken"
)
_GIVE_BACK = "EXEC sys.sp_releaseapplock @Resource = {resource}, @LockOwner = 'Session'"
_LONGEST_RESOURCE = 255
# What sp_getapplock says where a lock is not to be had in time.
_TIMED_OUT = -1
_EDITION = "SELECT CAST(SERVERPROPERTY('EngineEdition') AS int)"
# Azure SQL has the version of 2014 for ever.
_ALWAYS_NEW = (5, 8)
_RIGHTS = (
    "SELECT DB_NAME(), USER_NAME(), HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE TABLE'), "
    "HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'CREATE SCHEMA')"
)


class SqlServerEngine(BaseEngine):
    """SQL Server, through pyodbc. Nothing is loaded into it.

    A deployment is one transaction. A unique constraint takes null for a value there, of which one row may
    have it. Partitions are not made: a table is kept whole.
    """

    can_plan: ClassVar[bool] = True
    transactional_ddl: ClassVar[bool] = True
    has_grants: ClassVar[bool] = True
    keeps_ledger: ClassVar[bool] = True
    counting: ClassVar[str] = "always"
    # The server counts UTF-16 units, of which a name never has more than bytes.
    longest_name: ClassVar[int | None] = 128
    oldest_version: ClassVar[tuple[int, ...] | None] = (14,)

    _cursor: Any = None

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine over connections whose session means the same for every login."""
        target = self.target
        try:
            import pyodbc  # type: ignore[import-not-found]  # its stub is not marked as one
        except ImportError as error:
            raise TargetError(
                f"target {target.name}: the driver of SQL Server is missing: {error}",
                hint=DRIVER_HINT,
                target=target.name,
            ) from None
        engine = create_engine(
            "mssql+pyodbc://",
            creator=lambda: connecting.open_connection(pyodbc, target),
            # Told the sizes of parameters, the driver would send text in the server's code page.
            use_setinputsizes=False,
            **self.pool_arguments(),
            hide_parameters=True,
        )
        event.listen(engine, "before_cursor_execute", self._note_cursor)
        return engine

    def _note_cursor(self, _connection: Any, cursor: Any, *_: object) -> None:
        self._cursor = cursor

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.sqlserver.errors`."""
        return translate(error, self.target)

    def _refuse_old_version(self, connection: Connection) -> None:
        found = connection.dialect.server_version_info
        if found is not None and self.oldest_version is not None and found < self.oldest_version:
            edition: int = connection.exec_driver_sql(_EDITION).scalar_one()
            connection.rollback()
            if edition in _ALWAYS_NEW:
                return
        super()._refuse_old_version(connection)

    def execute_steps(self, steps: Sequence[Step]) -> None:
        """Carry out statements of a plan, and find out whether the server has undone them."""
        super().execute_steps(steps)
        # Of several statements in one batch, the driver does not always tell that a later one failed.
        if steps and not self._fetch("SELECT @@TRANCOUNT")[0][0]:
            raise TerminalError(
                f"target {self.target.name}: the server undid the transaction, and did not say why",
                hint="plan again, and look into the server's log",
                target=self.target.name,
            )

    def check_rights(self) -> None:
        """Deploying needs the rights CREATE TABLE and CREATE SCHEMA on the database."""
        database, user, tables, schemas = self._fetch(_RIGHTS)[0]
        for right, given in (("CREATE TABLE", tables), ("CREATE SCHEMA", schemas)):
            if not given:
                quote = self.connection.dialect.identifier_preparer.quote
                raise TargetError(
                    f"target {self.target.name}: user {user!r} lacks the right {right} on {database!r}",
                    hint=f"GRANT {right} TO {quote(user)}",
                    target=self.target.name,
                )

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold an application lock of the session; wait at most the target's `lock_timeout`."""
        self._hold(purpose)
        try:
            yield
        finally:
            # A connection that is lost has lost its locks as well.
            with suppress(DatakitError, SQLAlchemyError), self.transaction() as connection:
                sql = _GIVE_BACK.format(resource=_resource(purpose))
                connection.exec_driver_sql(sql, execution_options={"no_parameters": True})

    def _hold(self, purpose: str) -> None:
        milliseconds = math.ceil(self.target.lock_timeout * 1000)
        with self.transaction():
            sql = _TAKE.format(resource=_resource(purpose), milliseconds=milliseconds)
            taken = int(self._fetch(sql)[0][0])
        if taken == _TIMED_OUT:
            raise in_use(self.target)
        if taken < 0:
            raise TargetError(
                f"target {self.target.name}: the deployment's lock is refused ({taken})",
                hint="the user needs the right to call sp_getapplock, which the role public has by default",
                target=self.target.name,
            )

    def begin_run(self, datakit: str) -> None:
        """Keep other runs of this datakit away until the connection closes."""
        self._hold(f"run {datakit}")

    def read_snapshot(self, scope: Scope) -> Snapshot:
        """Everything there is within a scope, in a handful of queries."""
        return catalog.read_snapshot(self._fetch, self._quote, scope, self._default_schema)

    def table_bytes(self, names: Collection[str]) -> Mapping[str, int]:
        """How much each of these tables holds, indexes left out."""
        return catalog.table_bytes(self._fetch, names, self._default_schema)

    def refuse_names(self, tables: Sequence[Table]) -> None:
        """Refuse tables that the server could not make, or whose names it would not take."""
        super().refuse_names(tables)
        types = {(table.fullname, c.name): self.declared_type(c) for table in tables for c in table.columns}
        refuse_unworkable(tables, types)

    def comparable(self, shape: TableShape) -> TableShape:
        """See `sqlmodel_framework.engines.sqlserver.canonical`."""
        return comparable(shape, self._quote)

    def canonical_view(self, view: ViewShape) -> ViewShape:
        """A view's query, which the server keeps as it is written."""
        return ViewShape(query_of(widened(view.definition)), view.materialized, view.comment or None)

    def declared_type(self, column: Column[Any]) -> str:
        """The column's type as the catalog would call it."""
        return declared_type(column, self.connection.dialect)

    def declared_generated(self, column: Column[Any], words: str | None) -> str | None:
        """What a column always is: an end of its row's time, or an expression."""
        role = column.info.get(ROLE)
        if role in BOUNDS and interval(column.table) is not None:
            return BOUNDS[role]
        if column.computed is None or words is None:
            return None
        return generated_words(words, bool(column.computed.persisted), self._quote)

    def upkeep(self, table: Table) -> Upkeep:
        """See `sqlmodel_framework.engines.sqlserver.upkeep`."""
        return upkeep(table)

    def ddl(
        self, have: Snapshot, tables: Mapping[str, Table], large: frozenset[str] = frozenset()
    ) -> DdlWriter:
        """See `sqlmodel_framework.engines.sqlserver.ddl`."""
        return SqlServerDdl(self.connection.dialect, have, tables, large)

    def rename_table_sql(self, old: str, new: str) -> str:
        """The statement that gives a table another name."""
        place = literal(quoted(self.connection.dialect, old))
        return f"EXEC sys.sp_rename {place}, {literal(split_name(new)[1])}, N'OBJECT'"

    def move_table_sql(self, table: str, schema: str | None) -> str:
        """The statement that moves a table into another schema."""
        to = self._quote(schema or self._default_schema)
        return f"ALTER SCHEMA {to} TRANSFER {quoted(self.connection.dialect, table)}"

    def rename_column_sql(self, table: str, shape: TableShape, old: str, new: str) -> list[str]:
        """See `sqlmodel_framework.engines.sqlserver.renaming`."""
        return renaming_column(quoted(self.connection.dialect, table), shape, old, new, self._quote)

    def declared_value(self, column: Column[Any], value: Any) -> ColumnElement[Any]:
        """See `sqlmodel_framework.engines.sqlserver.values`."""
        return declared_value(column, value)

    def exact(self, column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
        """See `sqlmodel_framework.engines.sqlserver.values`."""
        return exact(column, value)

    def bytes_sql(self, value: bytes) -> str:
        """Bytes as a statement holds them."""
        return f"0x{value.hex()}"

    def row_sql(self, table: Table, sql: str, inserted: Collection[str] = ()) -> str:
        """The statement that writes a row; one that gives a counted column its value says so."""
        counted, sql = table._autoincrement_column, widened(sql)
        if counted is None or counted.name not in inserted:
            return sql
        place = quoted(self.connection.dialect, name_of(table))
        return f"SET IDENTITY_INSERT {place} ON;\n{sql};\nSET IDENTITY_INSERT {place} OFF"

    def effect_of(self, difference: Difference) -> str:
        """See `sqlmodel_framework.engines.sqlserver.cost`."""
        return cost.effect_of(difference)

    def values_that_change(self, difference: Difference) -> int:
        """See `sqlmodel_framework.engines.sqlserver.cost`."""
        condition = cost.loses(self._quote(difference.name), difference.have.type, difference.want.type)
        if condition is None:
            return 0
        table = quoted(self.connection.dialect, difference.table)
        return int(self._fetch(f"SELECT COUNT_BIG(*) FROM {table} WHERE {condition}")[0][0])

    def read_rows(self, statement: Executable | str) -> list[dict[str, Any]]:
        """The rows of a query, by column name; what it wrote is undone, since no transaction only reads."""
        with self.connect() as connection, self.translating():
            transaction = connection.begin()
            try:
                return self.rows_of(statement)
            finally:
                transaction.rollback()

    def cancel(self) -> None:
        """Ask the server to cancel the statement that is under way."""
        if self._connection is not None and self._cursor is not None:
            self._cursor.cancel()

    @property
    def _default_schema(self) -> str:
        return str(self.connection.dialect.default_schema_name or "dbo")

    @property
    def _quote(self) -> Callable[[str], str]:
        # Found once for many names.
        return offline(self.connection.dialect).identifier_preparer.quote

    def _fetch(self, sql: str) -> Sequence[Any]:
        return self.connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).all()


def _resource(purpose: str) -> str:
    return literal(f"datakit {purpose}"[:_LONGEST_RESOURCE])
