"""What every engine can do, in SQL that any database understands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    Engine,
    Executable,
    MetaData,
    NullPool,
    Table,
    create_engine,
    inspect,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from ..errors import DatakitError, TargetError, TerminalError, UnavailableError
from ..schema.snapshot import ColumnShape, Snapshot, TableShape

if TYPE_CHECKING:
    from ..loading.load import Load
    from ..runs.result import LoadResult
    from ..targets.target import Target

__all__ = ["BaseEngine"]


class BaseEngine:
    """What knows one kind of database.

    A subclass may override as little as `create_tables`. It needs no constructor of its own: the
    target is bound to it when it is used. Third parties add an engine by an entry point in the group
    `sqlmodel_framework.engines`, named after the dialect in a SQLAlchemy URL.

    One engine holds at most one connection, for the time of a `with engine.connect()`.
    """

    keeps_ledger: ClassVar[bool] = False
    """Whether deployments, runs and loads are recorded in the target."""

    can_load: ClassVar[bool] = False
    """Whether rows can be loaded."""

    has_schemas: ClassVar[bool] = True
    """Whether tables live in schemas (PostgreSQL, SQL Server) or in databases, which are the same to
    SQLAlchemy (MariaDB). If not (SQLite), a table's schema is the first part of its name: the table
    `airport` of the schema `silver` is called `silver.airport`, in quotes and as one name. See
    `sqlmodel_framework.schema.flat`."""

    longest_name: ClassVar[int | None] = None
    """Bytes that the database keeps of a name; a longer one is refused. None: no name is cut."""

    _target: Target | None = None
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
        engine = self._make_sqlalchemy_engine()
        try:
            with self.translating():
                self._connection = engine.connect()
                yield self._connection
        finally:
            # What was to be kept is committed by now; a connection that is lost cannot even be closed.
            with suppress(SQLAlchemyError):
                if self._connection is not None:
                    self._connection.close()
            self._connection = None
            engine.dispose()

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
        except SQLAlchemyError as error:
            raise self.translate(error) from None

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """The error of this package that an error of the database means."""
        text = self.target.mask(str(getattr(error, "orig", None) or error))
        # What no driver raised is a mistake in a name or a statement.
        kind = UnavailableError if isinstance(error, DBAPIError) else TerminalError
        return kind(f"target {self.target.name}: {text}", target=self.target.name)

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine for the target, without a pool."""
        return create_engine(
            self.target.secret_url(),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=dict(self.target.options),
        )

    def _make_sqlalchemy_engine(self) -> Engine:
        try:
            with self.translating():
                return self.make_sqlalchemy_engine()
        except ImportError as error:
            raise TargetError(
                f"target {self.target.name}: the driver of {self.target.url.drivername} is missing: {error}",
                hint="install it, or name another one in the URL: dialect+driver://",
                target=self.target.name,
            ) from None

    def lock(self, purpose: str) -> None:
        """Hold off others with the same purpose until the transaction ends; nothing by default."""

    def read_snapshot(self, tables: Iterable[Table]) -> Snapshot:
        """What is there of these tables and their schemas; a few queries, however many tables."""
        inspector = inspect(self.connection)
        existing = set(inspector.get_schema_names())
        wanted: dict[str | None, dict[str, Table]] = {}
        for table in tables:
            wanted.setdefault(table.schema, {})[table.name] = table
        found: dict[str, TableShape] = {}
        for schema, by_name in wanted.items():
            if schema is not None and schema not in existing:
                continue
            columns = inspector.get_multi_columns(schema=schema, filter_names=list(by_name))
            keys = inspector.get_multi_pk_constraint(schema=schema, filter_names=list(by_name))
            for place, described in columns.items():
                if described:
                    found[by_name[place[1]].fullname] = TableShape(
                        columns={
                            c["name"]: ColumnShape(self._type_text(c["type"]), bool(c["nullable"]))
                            for c in described
                        },
                        primary_key=tuple(keys[place]["constrained_columns"]),
                    )
        return Snapshot(frozenset(existing), found)

    def declared_shape(self, table: Table) -> TableShape:
        """What a table should be, in the words that `read_snapshot` uses."""
        return TableShape(
            columns={c.name: ColumnShape(self.declared_type(c), bool(c.nullable)) for c in table.columns},
            primary_key=tuple(c.name for c in table.primary_key.columns),
        )

    def declared_type(self, column: Column[Any]) -> str:
        """The type of a column, as the database itself would call it."""
        return self._type_text(column.type)

    def create_schemas(self, names: Iterable[str]) -> None:
        """Create schemas that are missing."""
        for name in names:
            self.connection.execute(CreateSchema(name, if_not_exists=True))

    def create_tables(self, metadata: MetaData) -> None:
        """Create the tables of `metadata` that the target lacks, in the open transaction."""
        missing = [table for table in metadata.sorted_tables if table.fullname not in self._snapshot.tables]
        metadata.create_all(self.connection, tables=missing)

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
        with self.transaction() as connection:
            self.forbid_writes()
            return _rows(connection, statement)

    def write_rows(self, statement: Executable | str) -> list[dict[str, Any]]:
        """The rows that a statement returns, by column name, in a transaction that may write."""
        with self.transaction() as connection:
            return _rows(connection, statement)

    def _type_text(self, type_: Any) -> str:
        return str(type_.compile(dialect=self.connection.dialect)).lower()


def _rows(connection: Connection, statement: Executable | str) -> list[dict[str, Any]]:
    if isinstance(statement, str):
        # Without this the driver would take a % in the text for a parameter.
        options = {"no_parameters": True}
        result: CursorResult[Any] = connection.exec_driver_sql(statement, execution_options=options)
    else:
        result = cast("CursorResult[Any]", connection.execute(statement))
    return [dict(row) for row in result.mappings()] if result.returns_rows else []
