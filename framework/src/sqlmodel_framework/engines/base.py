"""What every engine can do, in SQL that any database understands."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Executable,
    MetaData,
    Table,
    cast,
    inspect,
    literal,
    null,
)
from sqlalchemy.schema import CreateSchema

from ..errors import DeclarationError, TerminalError
from ..history.companion import interval
from ..schema.dialects import offline, quoted
from ..schema.names import full_name, name_of, refuse_long_names, split_name
from ..schema.snapshot import ColumnShape, Scope, Snapshot, TableShape, ViewShape
from ..schema.upkeep import Upkeep
from .connecting import Connecting

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from ..loading.load import Load
    from ..runs.result import LoadResult
    from ..schema.change import Step
    from ..schema.declared import Declared
    from ..schema.difference import Difference
    from ..verify.result import Comparison
    from .ddl import DdlWriter

__all__ = ["BaseEngine"]

Place = tuple[str | None, str]
"""A schema, or None for the default one, and a name in it."""


class BaseEngine(Connecting):
    """What knows one kind of database.

    A subclass may override as little as `create_tables`. It needs no constructor of its own: the
    target is bound to it when it is used. Third parties add an engine by an entry point in the group
    `sqlmodel_framework.engines`, named after the dialect in a SQLAlchemy URL.
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

    _snapshot: Snapshot = Snapshot()

    def check_rights(self) -> None:
        """Find out in the open transaction whether the user may deploy; nothing by default.

        Raises:
            TargetError: a right is missing; the message names it.
        """

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

    def begin_loads(self, datakit: str, tables: Collection[str]) -> None:
        """Prepare the connection for some of the loads of a datakit.

        Kept away are whole runs of it, and those of loads into the same tables. An engine whose locks cannot
        be shared keeps every other run of the datakit away, as `begin_run` does, which is the default.

        Args:
            datakit: the datakit's name.
            tables: the full names of the tables that will be loaded.
        """
        self.begin_run(datakit)

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction.

        Args:
            load: what to load, and where.
            run_id: the run that it belongs to.
            datakit: the datakit's name.
            progress: called now and then with the number of bytes that were read from a file.
        """
        raise TerminalError(f"{type(self).__name__} can deploy, but not load")

    def compare(
        self, load: Load, *, chunk_rows: int, whole: bool, progress: Callable[[int], None]
    ) -> Comparison:
        """Compare what a load's source offers with what the target holds; nothing is kept.

        Args:
            load: what is compared; see `sqlmodel_framework.verify.verify`.
            chunk_rows: how many rows are one chunk.
            whole: whether rows that the source lacks are a difference, as far as the load's mode goes.
            progress: called now and then with the number of bytes that were read from a source.
        """
        raise TerminalError(f"{type(self).__name__} cannot compare the rows of a load", hint="PostgreSQL can")

    def write_csv(self, query: str, file: BinaryIO) -> None:
        """Write the rows of a query as `sqlmodel_framework.loading.csv_text` does, with a header line.

        Args:
            query: SQL text with every value written out.
            file: where to; its `write` takes bytes.
        """
        from ..loading.reading import write_query

        write_query(self.connection, query, file)

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


def _rows(connection: Connection, statement: Executable | str) -> list[dict[str, Any]]:
    if isinstance(statement, str):
        # Without this the driver would take a % in the text for a parameter.
        options = {"no_parameters": True}
        result = connection.exec_driver_sql(statement, execution_options=options)
    else:
        result = typing.cast("CursorResult[Any]", connection.execute(statement))
    return [dict(row) for row in result.mappings()] if result.returns_rows else []
