"""What every engine can do, in SQL that any database understands."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Engine,
    Executable,
    MetaData,
    NullPool,
    Table,
    cast,
    create_engine,
    event,
    inspect,
    literal,
    null,
)
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.schema import CreateSchema

from ..errors import (
    DatakitError,
    DeclarationError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
    UnsupportedVersionError,
)
from ..history.companion import interval
from ..runs.stopping import cancelling, stop_if_asked, stop_is_heard
from ..schema.dialects import offline, quoted
from ..schema.names import full_name, name_of, refuse_long_names, split_name
from ..schema.snapshot import ColumnShape, Scope, Snapshot, TableShape, ViewShape
from ..schema.upkeep import Upkeep

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from ..loading.load import Load
    from ..runs.result import LoadResult
    from ..schema.change import Step
    from ..schema.declared import Declared
    from ..schema.difference import Difference
    from ..targets.target import Target
    from .ddl import DdlWriter

__all__ = ["BaseEngine"]

Place = tuple[str | None, str]
"""A schema, or None for the default one, and a name in it."""

_NO_POOL: Mapping[str, Any] = MappingProxyType({"poolclass": NullPool})


class BaseEngine:
    """What knows one kind of database.

    A subclass may override as little as `create_tables`. It needs no constructor of its own: the
    target is bound to it when it is used. Third parties add an engine by an entry point in the group
    `sqlmodel_framework.engines`, named after the dialect in a SQLAlchemy URL.

    One engine holds at most one connection, for the time of a `with engine.connect()`. It is a new one,
    or one of the target's pool; see `sqlmodel_framework.targets.pool`.
    """

    keeps_ledger: ClassVar[bool] = False
    """Whether deployments, runs and loads are recorded in the target."""

    can_load: ClassVar[bool] = False
    """Whether rows can be loaded."""

    can_plan: ClassVar[bool] = False
    """Whether everything about a table can be read, and changed by statements of a plan."""

    transactional_ddl: ClassVar[bool] = False
    """Whether statements that change tables can be rolled back."""

    has_enums: ClassVar[bool] = False
    """Whether types of named values are objects of their own."""

    has_grants: ClassVar[bool] = False
    """Whether rights can be declared and read."""

    has_zones: ClassVar[bool] = True
    """Whether a column can hold a moment together with its zone; where not, it holds the moment of UTC."""

    has_identity: ClassVar[bool] = True
    """Whether a column can be declared to count up by itself, in the SQL standard's words."""

    counting: ClassVar[str] = ""
    """What `ColumnShape.identity` says of a lone integer key that counts up."""

    large_table: ClassVar[int] = 64 * 2**20
    """Bytes from which on a table is changed the gentle way, where the database has one."""

    longest_name: ClassVar[int | None] = None
    """Bytes that the database keeps of a name; a longer one is refused. None: no name is cut."""

    oldest_version: ClassVar[tuple[int, ...] | None] = None
    """The oldest version of a server that is supported. None: any is."""

    _target: Target | None = None
    _pool_arguments: Mapping[str, Any] = _NO_POOL
    _connection: Connection | None = None
    _snapshot: Snapshot = Snapshot()

    def __init__(self, target: Target | None = None) -> None:
        self._target = target

    def bind(self, target: Target) -> None:
        """Use this target from now on."""
        self._target = target

    @property
    def target(self) -> Target:
        """The target that this engine works on."""
        if self._target is None:
            raise TerminalError(f"{type(self).__name__} has no target yet")
        return self._target

    @property
    def connection(self) -> Connection:
        """The open connection, inside `with engine.connect()`."""
        if self._connection is None:
            raise TerminalError(f"{type(self).__name__} is not connected")
        return self._connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open the connection, or use the one that is open; database errors become `DatakitError`."""
        if self._connection is not None:
            yield self._connection
            return
        with self._source() as source:
            try:
                with self.translating():
                    self._connection = source.connect()
                    self._refuse_old_version(self._connection)
                    event.listen(self._connection, "before_cursor_execute", _stop_between_statements)
                    with cancelling(self.cancel):
                        yield self._connection
            finally:
                # What was to be kept is committed by now; a connection that is lost cannot even be closed.
                with suppress(SQLAlchemyError):
                    if self._connection is not None:
                        self._connection.close()
                self._connection = None

    @contextmanager
    def _source(self) -> Iterator[Engine]:
        pool = self.target.pool
        if pool is None:
            source = self.open_source()
            try:
                yield source
            finally:
                source.dispose()
        elif pool.maker is type(self):
            yield pool.source
        else:
            raise TerminalError(
                f"{type(self).__name__} cannot use connections of {pool.maker.__name__}",
                hint=f"open the pool with engine={type(self).__name__}",
                target=self.target.name,
            )

    def _refuse_old_version(self, connection: Connection) -> None:
        found = connection.dialect.server_version_info
        if self.oldest_version is None or found is None or found >= self.oldest_version:
            return
        dotted, oldest = (".".join(map(str, version)) for version in (found, self.oldest_version))
        raise UnsupportedVersionError(
            f"target {self.target.name}: {connection.dialect.name} {dotted} is not supported, "
            f"the oldest that is, is {oldest}",
            found=dotted,
            oldest=oldest,
            target=self.target.name,
        )

    @property
    def server(self) -> str:
        """What answers: the kind of database and its version, such as `postgresql 18.0`."""
        dialect = self.connection.dialect
        return " ".join((dialect.name, ".".join(map(str, dialect.server_version_info or ())))).rstrip()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing: commit at the end, roll back when an error leaves the block."""
        with self.connect() as connection, self.translating(), connection.begin():
            yield connection

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn errors of the database into this package's errors, without any secret."""
        try:
            yield
        except PoolTimeoutError:
            most = self.target.pool_size + self.target.pool_overflow
            raise UnavailableError(
                f"target {self.target.name}: none of its {most} connections came free "
                f"in {self.target.pool_timeout:g} s",
                hint="raise pool_size, pool_overflow or pool_timeout, or do less at once",
                target=self.target.name,
            ) from None
        except SQLAlchemyError as error:
            translated = self.translate(error)
            if isinstance(translated, StoppedError):
                stop_is_heard()
            raise translated from None

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """The error of this package that an error of the database means."""
        text = self.target.mask(str(getattr(error, "orig", None) or error))
        # What no driver raised is a mistake in a name or a statement.
        kind = UnavailableError if isinstance(error, DBAPIError) else TerminalError
        return kind(f"target {self.target.name}: {text}", target=self.target.name)

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine for the target, with the pool that `pool_arguments` says."""
        return create_engine(
            self.target.secret_url(),
            **self.pool_arguments(),
            hide_parameters=True,
            connect_args=dict(self.target.options),
        )

    def pool_arguments(self) -> dict[str, Any]:
        """What `make_sqlalchemy_engine` tells `create_engine` of the pool: none, unless one is shared."""
        return dict(self._pool_arguments)

    def open_source(self, pool_arguments: Mapping[str, Any] = _NO_POOL) -> Engine:
        """Where connections come from: SQLAlchemy's engine, its errors being this package's.

        Args:
            pool_arguments: what `create_engine` is told of the pool; by default, to make none.

        Raises:
            TargetError: the driver or a file is missing, or the URL means nothing to the driver.
        """
        target = self.target
        if target.tls_ca is not None and not target.tls_ca.is_file():
            raise TargetError(
                f"target {target.name}: tls_ca: there is no file {target.tls_ca}", target=target.name
            )
        try:
            self._pool_arguments = pool_arguments
            source = self.make_sqlalchemy_engine()
        except (ImportError, NoSuchModuleError) as error:
            raise TargetError(
                f"target {target.name}: the driver of {target.url.drivername} is missing: {error}",
                hint="install it, or name another one in the URL: dialect+driver://",
                target=target.name,
            ) from None
        except SQLAlchemyError as error:
            raise self.translate(error) from None
        # What it shows of itself; of an option that is a secret it would show the value.
        source.url = target.url
        return source

    def renew_session(self, driver_connection: Any) -> bool:
        """Make the driver's connection like new for the next user of a shared pool.

        Nothing of the last one may be left: no lock, no temporary table, no setting.

        Returns:
            Whether that was done; if not, the connection is closed, as it is by default.
        """
        return False

    def check_rights(self) -> None:
        """Find out in the open transaction whether the user may deploy; nothing by default.

        Raises:
            TargetError: a right is missing; the message names it.
        """

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold off others with the same purpose for the time of the block; nothing is held by default.

        The lock belongs to the connection, so it is gone when its holder is.
        """
        yield

    def read_snapshot(self, scope: Scope) -> Snapshot:
        """What there is within a scope; a few queries, however many tables.

        Here it holds columns, their types and nullability, and primary keys, of tables only. An engine that
        `can_plan` reads everything that a shape tells.
        """
        inspector = inspect(self.connection)
        existing = frozenset(inspector.get_schema_names())
        places: dict[str | None, list[str] | None] = {
            schema: None for schema in scope.schemas if schema in existing
        }
        for schema, name in scope.tables:
            if schema is None or schema in existing:
                wanted = places.setdefault(schema, [])
                if wanted is not None:
                    wanted.append(name)
        found: dict[str, TableShape] = {}
        for schema, names in places.items():
            columns = inspector.get_multi_columns(schema=schema, filter_names=names)
            keys = inspector.get_multi_pk_constraint(schema=schema, filter_names=names)
            for place, described in columns.items():
                if described:
                    found[full_name(schema, place[1])] = TableShape(
                        columns={
                            c["name"]: ColumnShape(self._type_text(c["type"]), bool(c["nullable"]))
                            for c in described
                        },
                        primary_key=tuple(keys[place]["constrained_columns"]),
                    )
        return Snapshot(existing, found)

    def own_schemas(self) -> Sequence[str]:
        """The schemas that users of the target may have made."""
        return [name for name in inspect(self.connection).get_schema_names() if name != "information_schema"]

    def has_schema(self, name: str) -> bool:
        """Whether there is a schema of that name."""
        return inspect(self.connection).has_schema(name)

    def existing_tables(self, schemas: Collection[str]) -> Sequence[Place]:
        """Every table of some schemas: its schema, or None for the default one, and its name."""
        inspector = inspect(self.connection)
        found: list[Place] = []
        for schema in sorted(schemas):
            own = None if schema == inspector.default_schema_name else schema
            found += [(own, name) for name in sorted(inspector.get_table_names(schema))]
        return found

    def existing_views(self, schemas: Collection[str]) -> Sequence[Place]:
        """Every view of some schemas, as `existing_tables`."""
        inspector = inspect(self.connection)
        found: list[Place] = []
        for schema in sorted(schemas):
            own = None if schema == inspector.default_schema_name else schema
            found += [(own, name) for name in sorted(inspector.get_view_names(schema))]
        return found

    def beyond_shapes(self, places: Collection[Place]) -> Sequence[tuple[str, str, str]]:
        """What belongs to tables and no shape tells of: its kind, its table's full name, and its own name."""
        return []

    def existing_columns(self, places: Iterable[Place]) -> Mapping[Place, Sequence[ReflectedColumn]]:
        """The columns of tables as SQLAlchemy reflects them, with its types."""
        by_schema: dict[str | None, list[str]] = {}
        for schema, name in places:
            by_schema.setdefault(schema, []).append(name)
        found: dict[Place, Sequence[ReflectedColumn]] = {}
        for schema, names in by_schema.items():
            found |= inspect(self.connection).get_multi_columns(schema=schema, filter_names=names)
        return found

    def has_tables(self, tables: Iterable[Table]) -> bool:
        """Whether every one of these tables is there."""
        wanted = list(tables)
        places = frozenset((table.schema, table.name) for table in wanted)
        return len(self.read_snapshot(Scope(tables=places)).tables) == len(wanted)

    def refuse_names(self, tables: Sequence[Table]) -> None:
        """Refuse tables whose names the database does not keep as they are.

        Raises:
            DeclarationError: a name would be cut, or be one with another.
        """
        if self.longest_name is not None:
            refuse_long_names(tables, self.longest_name)

    def comparable(self, shape: TableShape) -> TableShape:
        """As much of a declared table's shape as `read_snapshot` can tell of a table that is there."""
        return TableShape(
            columns={name: ColumnShape(c.type, c.nullable) for name, c in shape.columns.items()},
            primary_key=shape.primary_key,
        )

    def canonical(self, declared: Declared, names: Collection[str]) -> Mapping[str, TableShape]:
        """The shapes of declared tables in the words that the database itself uses.

        Args:
            declared: what is declared.
            names: the tables that are asked for.
        """
        return {name: declared.snapshot.tables[name] for name in names}

    def canonical_view(self, view: ViewShape) -> ViewShape:
        """A declared view in the words that the database itself uses."""
        return view

    def upkeep(self, table: Table) -> Upkeep:
        """What a table is given so that its times and its history are kept by the database.

        Raises:
            DeclarationError: the table keeps its history, which this engine cannot.
        """
        if interval(table) is not None:
            raise DeclarationError(
                f"{table.fullname} keeps its history, which {type(self).__name__} cannot",
                hint="deploy it to PostgreSQL, or leave TemporalTableMixin out",
                table=table.fullname,
            )
        return Upkeep()

    def declared_type(self, column: Column[Any]) -> str:
        """The type of a column, as the database itself would call it."""
        return self._type_text(column.type)

    def declared_generated(self, column: Column[Any], words: str | None) -> str | None:
        """What a column always is, as the database itself would say it, or None for one that can be written.

        Args:
            column: the column.
            words: the expression that it is declared to be, or None.
        """
        return words

    def declared_partitioning(self, table: Table) -> str | None:
        """How a table is cut into partitions, or None; nothing is cut by default."""
        return None

    def declared_partitions(self, table: Table) -> Mapping[str, str]:
        """The bounds of each declared partition, by full name."""
        return {}

    def quoted(self, name: str) -> str:
        """A name as the database prints it in an expression."""
        return offline(self.connection.dialect).identifier_preparer.quote(name)

    def ddl(
        self, have: Snapshot, tables: Mapping[str, Table], large: frozenset[str] = frozenset()
    ) -> DdlWriter:
        """What writes the statements of this database; see `sqlmodel_framework.engines.ddl`."""
        from .ddl import DdlWriter

        return DdlWriter(self.connection.dialect, have, tables, large)

    renames_across_schemas: ClassVar[bool] = False
    """Whether renaming a table can also move it into another schema."""

    def rename_table_sql(self, old: str, new: str) -> str:
        """The statement that gives a table, by its full name, the name of another full name."""
        dialect = self.connection.dialect
        name = split_name(new)[1]
        return f"ALTER TABLE {quoted(dialect, old)} RENAME TO {self.quoted(name)}"

    def move_table_sql(self, table: str, schema: str | None) -> str:
        """The statement that moves a table, by its full name, into another schema."""
        dialect = self.connection.dialect
        to = self.quoted(str(schema or dialect.default_schema_name))
        return f"ALTER TABLE {quoted(dialect, table)} SET SCHEMA {to}"

    def rename_column_sql(self, table: str, shape: TableShape, old: str, new: str) -> list[str]:
        """The statements that give a column of a table, by its full name, another name."""
        place = quoted(self.connection.dialect, table)
        return [f"ALTER TABLE {place} RENAME COLUMN {self.quoted(old)} TO {self.quoted(new)}"]

    def declared_value(self, column: Column[Any], value: Any) -> ColumnElement[Any]:
        """A value that a declared row gives to a column, as it is compared with what the column holds."""
        return cast(null() if value is None else literal(value, column.type), column.type)

    def exact(self, column: Column[Any], value: ColumnElement[Any]) -> ColumnElement[Any]:
        """A value of a column such that only what is the same to the letter is equal to it."""
        return value

    def bytes_sql(self, value: bytes) -> str:
        """Bytes as a statement holds them."""
        return f"X'{value.hex()}'"

    def row_sql(self, table: Table, sql: str, inserted: Collection[str] = ()) -> str:
        """The statement that writes a declared row.

        Args:
            table: the table.
            sql: the insert or update as SQLAlchemy writes it, values included.
            inserted: the columns that an insert has values for.
        """
        return sql

    def table_bytes(self, names: Collection[str]) -> Mapping[str, int]:
        """How much each of these tables holds, in bytes, in one query; nothing where it is not known."""
        return {}

    def effect_of(self, difference: Difference) -> str:
        """What making this difference go away does to those who use the table, in a few words; or ""."""
        return ""

    def values_that_change(self, difference: Difference) -> int:
        """How many values of a column would be lost or altered by its declared type."""
        return 0

    def create_schemas(self, names: Iterable[str]) -> None:
        """Create schemas that are missing."""
        for name in names:
            self.connection.execute(CreateSchema(name, if_not_exists=True))

    def create_tables(self, metadata: MetaData) -> None:
        """Create the tables of `metadata` that the target lacks, in the open transaction.

        An engine of your own that overrides this makes new tables its own way; the plan then shows that
        they are made, not by which statements.
        """
        missing = [table for table in metadata.tables.values() if name_of(table) not in self._snapshot.tables]
        metadata.create_all(self.connection, tables=missing)

    @property
    def makes_tables_itself(self) -> bool:
        """Whether new tables are made by `create_tables` rather than by statements of a plan."""
        return not self.can_plan or type(self).create_tables is not BaseEngine.create_tables

    def limit_waiting(self) -> None:
        """In a transaction that changes tables: wait for others at most `lock_timeout`."""

    def execute_steps(self, steps: Sequence[Step]) -> None:
        """Carry out statements of a plan, in the open transaction."""
        for step in steps:
            self.connection.exec_driver_sql(step.sql, execution_options={"no_parameters": True})

    def execute_alone(self, sql: str) -> None:
        """Carry out a statement of a plan outside of any transaction."""
        with self.connect() as connection, self.translating():
            connection.execution_options(isolation_level="AUTOCOMMIT")
            try:
                connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
            finally:
                connection.rollback()
                connection.execution_options(isolation_level=connection.default_isolation_level)

    def remember(self, snapshot: Snapshot) -> None:
        """What `create_tables` may take for granted."""
        self._snapshot = snapshot

    def begin_run(self, datakit: str) -> None:
        """Prepare the connection for the loads of a datakit, and keep other runs of it away."""

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction.

        Args:
            load: what to load, and where.
            run_id: the run that it belongs to.
            datakit: the datakit's name.
            progress: called now and then with the number of bytes that were read from a file.
        """
        raise TerminalError(f"{type(self).__name__} can deploy, but not load")

    def cancel(self) -> None:
        """Cancel the statement that is under way; called from another thread."""

    def forbid_writes(self) -> None:
        """Make the transaction that was just begun one that only reads, where the database can."""

    def read_rows(self, statement: Executable | str) -> list[dict[str, Any]]:
        """The rows of a query, by column name, in a transaction that cannot write where possible.

        SQL text is taken as it stands.
        """
        with self.transaction():
            self.forbid_writes()
            return self.rows_of(statement)

    def write_rows(self, statement: Executable | str) -> list[dict[str, Any]]:
        """The rows that a statement returns, by column name, in a transaction that may write."""
        with self.transaction():
            return self.rows_of(statement)

    def rows_of(self, statement: Executable | str) -> list[dict[str, Any]]:
        """The rows of a statement, by column name, in the open transaction."""
        return _rows(self.connection, statement)

    def _type_text(self, type_: Any) -> str:
        return str(type_.compile(dialect=self.connection.dialect)).lower()


def _stop_between_statements(*_: object) -> None:
    stop_if_asked()


def _rows(connection: Connection, statement: Executable | str) -> list[dict[str, Any]]:
    if isinstance(statement, str):
        # Without this the driver would take a % in the text for a parameter.
        options = {"no_parameters": True}
        result = connection.exec_driver_sql(statement, execution_options=options)
    else:
        result = typing.cast("CursorResult[Any]", connection.execute(statement))
    return [dict(row) for row in result.mappings()] if result.returns_rows else []
