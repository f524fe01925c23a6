"""The engine for SQLite: a file, or a database in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    NullPool,
    Table,
    create_engine,
    event,
    inspect,
    literal,
    null,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ...errors import ContractError, DatakitError, TargetError
from ...schema.change import Phase, Step
from ...schema.dialects import quoted
from ...schema.names import split_name
from ...schema.snapshot import Scope, Snapshot, TableShape
from ...schema.upkeep import Upkeep
from ..base import BaseEngine, Place
from ..staged_bronze import carry_out
from .catalog import Contents, read_contents
from .dialect import DIALECT, flat_name
from .errors import translate
from .loader import STAGING
from .names import refuse_equal_names
from .row_hash import add_functions
from .run_lock import hold_run_lock
from .types import values_that_change
from .upkeep import upkeep

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from ...loading.load import Load
    from ...runs.result import LoadResult
    from ...schema.declared import Declared
    from ...schema.difference import Difference
    from ...targets.target import Target
    from .ddl import SqliteDdl

__all__ = ["SqliteEngine"]

# Since then columns can be dropped.
_OLDEST = (3, 35)
_REWRITES = "rewrites the table, and stops its writers meanwhile"
_READS = "reads the whole table, and stops its writers meanwhile"


class _Kept(sqlite3.Connection):
    """A connection that only ends with its engine, and with it a database in memory."""

    def close(self) -> None:
        self.rollback()


class SqliteEngine(BaseEngine):
    """SQLite, through Python's own module.

    SQLite has no schemas. A schema is the first part of a table's name: the table `item` of the schema
    `shop` is called `shop.item`, as one name in quotes, and so are its indexes. This holds for every
    statement that SQLAlchemy writes over this engine; SQL text says `"shop.item"`. So tables of one name in
    two schemas stay apart, foreign keys between schemas hold, and all of it is one file and one transaction,
    which a file for each schema (ATTACH) has not. A schema is never missing, and never made.

    A deployment is one transaction, from the first look at the target on. It is also the lock: SQLite lets
    one connection write at a time, and what dies with its holder leaves nothing.

    Loads are into bronze tables only. Each is one transaction, which takes the lock for its last statements
    alone: while rows come from a source, others may write. Two runs are kept apart by an empty file beside
    the database, called like it with "-run" at the end.

    A database in memory lives as long as the engine.
    """

    can_plan: ClassVar[bool] = True
    transactional_ddl: ClassVar[bool] = True
    keeps_ledger: ClassVar[bool] = True
    can_load: ClassVar[bool] = True
    has_zones: ClassVar[bool] = False
    has_identity: ClassVar[bool] = False
    counting: ClassVar[str] = "auto"
    renames_across_schemas: ClassVar[bool] = True

    _begin: str = "BEGIN"
    _locked: bool = False
    _contents: Contents = Contents()
    _driver_connection: sqlite3.Connection | None = None
    _kept: sqlite3.Connection | None = None
    _run_lock: sqlite3.Connection | None = None
    _writer: SqliteDdl | None = None

    def bind(self, target: Target) -> None:
        """Use this target from now on; a database in memory belongs to its URL."""
        if self._target is None or target.url != self._target.url:
            self._kept = None
        super().bind(target)

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine, with real transactions around every statement."""
        if sqlite3.sqlite_version_info < _OLDEST:
            raise TargetError(
                f"target {self.target.name}: SQLite {sqlite3.sqlite_version} is too old",
                hint=f"at least {'.'.join(map(str, _OLDEST))} is needed",
                target=self.target.name,
            )
        url = self.target.secret_url().set(drivername=DIALECT)
        arguments: dict[str, Any] = {"timeout": self.target.lock_timeout, **self.target.options}
        more: dict[str, Any] = {"creator": self._in_memory} if self._is_in_memory else {}
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=arguments, **more)

        @event.listens_for(engine, "connect", insert=True)
        def set_session(connection: sqlite3.Connection, _record: Any) -> None:
            # Python's module would begin transactions when it sees fit, and none for DDL.
            connection.isolation_level = None
            connection.execute("PRAGMA foreign_keys = ON")
            # Without it, what OR REPLACE deletes is seen by no trigger.
            connection.execute("PRAGMA recursive_triggers = ON")
            add_functions(connection)
            self._driver_connection = connection

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("PRAGMA query_only = OFF")
            connection.exec_driver_sql(self._begin)

        return engine

    @property
    def _is_in_memory(self) -> bool:
        url = self.target.url
        return url.database in (None, "", ":memory:") or url.query.get("mode") == "memory"

    def _in_memory(self) -> sqlite3.Connection:
        if self._kept is None:
            self._kept = sqlite3.connect(":memory:", factory=_Kept, check_same_thread=False)
        return self._kept

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """See `sqlmodel_framework.engines.sqlite.errors`."""
        return translate(error, self.target)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open the connection, or use the one that is open; a run ends with it."""
        first = self._connection is None
        try:
            with super().connect() as connection:
                yield connection
        finally:
            if first and self._run_lock is not None:
                self._run_lock.close()
                self._run_lock = None

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """One transaction that may write, for the time of the block; wait at most `lock_timeout` for it."""
        connection = self.connection
        driver: Any = connection.connection.driver_connection
        # Neither can be changed in a transaction. A table that is made anew is dropped, which would delete
        # what refers to it; and renamed, which must not touch what others say of its name.
        driver.execute("PRAGMA foreign_keys = OFF")
        driver.execute("PRAGMA legacy_alter_table = ON")
        self._begin, self._locked = "BEGIN IMMEDIATE", True
        try:
            with self.translating(), connection.begin():
                yield
        finally:
            self._begin, self._locked = "BEGIN", False
            with suppress(sqlite3.Error):
                driver.execute("PRAGMA legacy_alter_table = OFF")
                driver.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing; a part of the lock's transaction where there is one."""
        with self.connect() as connection:
            begin = connection.begin_nested if self._locked else connection.begin
            with self.translating(), begin():
                yield connection

    def read_snapshot(self, scope: Scope) -> Snapshot:
        """Everything there is within a scope, in two queries."""
        self._contents = read_contents(self.connection, scope)
        return self._contents.within(scope)

    def own_schemas(self) -> Sequence[str]:
        """The first parts of names."""
        return sorted({schema for schema, _ in self._places() if schema is not None} | {""})

    def has_schema(self, name: str) -> bool:
        """Whether any table's name begins with it."""
        return name in self.own_schemas()

    def existing_tables(self, schemas: Collection[str]) -> Sequence[Place]:
        """Every table whose name begins with a schema; the schema "" stands for none."""
        return [place for place in self._places() if (place[0] or "") in schemas]

    def existing_views(self, schemas: Collection[str]) -> Sequence[Place]:
        """Every view, as `existing_tables`."""
        found = map(split_name, sorted(inspect(self.connection).get_view_names()))
        return [place for place in found if (place[0] or "") in schemas]

    def existing_columns(self, places: Iterable[Place]) -> Mapping[Place, Sequence[ReflectedColumn]]:
        """The columns of tables as SQLAlchemy reflects them, which knows of no schema."""
        names = {flat_name(*place): place for place in places}
        found = inspect(self.connection).get_multi_columns(filter_names=list(names))
        return {names[name]: columns for (_, name), columns in found.items()}

    def _places(self) -> list[Place]:
        return [split_name(name) for name in sorted(inspect(self.connection).get_table_names())]

    def refuse_names(self, tables: Sequence[Table]) -> None:
        """Refuse names that SQLite keeps for itself, or does not tell apart."""
        refuse_equal_names(tables)

    def comparable(self, shape: TableShape) -> TableShape:
        """A declared shape as a whole: everything can be read."""
        return shape

    def canonical(self, declared: Declared, names: Collection[str]) -> Mapping[str, TableShape]:
        """See `sqlmodel_framework.engines.sqlite.canonical`."""
        from .canonical import as_made

        writer = self.ddl(Snapshot(), declared.tables)
        steps = [step for name in names for step in writer.create_table(name, declared.snapshot.tables[name])]
        made = as_made(steps, declared.scope)
        return {name: made[name] for name in names}

    def rename_table_sql(self, old: str, new: str) -> str:
        """The statement that renames a table; what is planned after it finds the new name."""
        dialect = self.connection.dialect
        self._contents = self._contents.with_table_renamed(old, new)
        return f"ALTER TABLE {quoted(dialect, old)} RENAME TO {quoted(dialect, new)}"

    def rename_column_sql(self, table: str, shape: TableShape, old: str, new: str) -> list[str]:
        """The statement that renames a column; what is planned after it finds the new name."""
        from ...schema.renaming import with_column_renamed

        there = self._contents.snapshot.tables[table]
        renamed = with_column_renamed(self, there, old, new)
        self._contents = self._contents.with_column_renamed(table, renamed, old, new)
        return super().rename_column_sql(table, shape, old, new)

    def upkeep(self, table: Table) -> Upkeep:
        """See `sqlmodel_framework.engines.sqlite.upkeep`."""
        return upkeep(table)

    def declared_type(self, column: Column[Any]) -> str:
        """The column's type, as it is written."""
        return str(column.type.compile(dialect=self.connection.dialect))

    def declared_value(self, column: Column[Any], value: Any) -> ColumnElement[Any]:
        """The value itself: a cast would make a number of a date."""
        return null() if value is None else literal(value, column.type)

    def ddl(
        self, have: Snapshot, tables: Mapping[str, Table], large: frozenset[str] = frozenset()
    ) -> SqliteDdl:
        """See `sqlmodel_framework.engines.sqlite.ddl`."""
        from .ddl import SqliteDdl

        self._writer = SqliteDdl(self.connection.dialect, have, tables, self._contents)
        return self._writer

    def effect_of(self, difference: Difference) -> str:
        """What a change of a table that is there does to its users."""
        if difference.kind == "trigger":
            return ""
        if difference.kind == "index":
            return _READS if difference.want is not None else ""
        anew = self._writer is not None and difference.table in self._writer.anew
        # To drop a column in place, SQLite rewrites every row as well.
        return _REWRITES if anew or difference.have is not None else ""

    def values_that_change(self, difference: Difference) -> int:
        """See `sqlmodel_framework.engines.sqlite.types`."""
        return values_that_change(self.connection, difference)

    def execute_steps(self, steps: Sequence[Step]) -> None:
        """Carry out statements of a plan; a check that finds something is an error."""
        for step in steps:
            if step.phase is Phase.RENAMES:
                # Here what others say of the old name has to follow it.
                self._rename(step.sql)
                continue
            result = self.connection.exec_driver_sql(step.sql, execution_options={"no_parameters": True})
            if result.returns_rows:
                self._refuse_broken_keys(result.all())

    def _rename(self, sql: str) -> None:
        self.connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
        try:
            self.connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
        finally:
            self.connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")

    def _refuse_broken_keys(self, broken: Sequence[Any]) -> None:
        if not broken:
            return
        table, _row, parent, _key = broken[0]
        schema, bare = split_name(table)
        rows = "1 row" if len(broken) == 1 else f"{len(broken):,} rows"
        raise ContractError(
            f"target {self.target.name}: {rows} of {table} would refer to no row of {parent}; "
            "nothing was changed",
            hint="add what is missing, or remove those rows, first",
            table=bare if schema is None else f"{schema}.{bare}",
            target=self.target.name,
        )

    def begin_run(self, datakit: str) -> None:
        """Keep every other run away until the connection closes: no two could write at a time anyway."""
        driver: Any = self.connection.connection.driver_connection
        file: str = driver.execute("PRAGMA database_list").fetchone()[2]
        if not file:
            # In memory there is nobody else.
            return
        try:
            self._run_lock = hold_run_lock(file, self.target.lock_timeout)
        except sqlite3.Error as error:
            raise self.translate(DBAPIError(None, None, error)) from None

    def load(self, load: Load, run_id: UUID, datakit: str, progress: Callable[[int], None]) -> LoadResult:
        """Carry out a load in one transaction; see `sqlmodel_framework.engines.staged_bronze`."""
        with self.transaction() as connection:
            return carry_out(connection, load, STAGING, run_id=run_id, progress=progress)

    def cancel(self) -> None:
        """Interrupt the statement that is under way."""
        if self._driver_connection is not None:
            self._driver_connection.interrupt()

    def forbid_writes(self) -> None:
        """Make the transaction that was just begun one that only reads."""
        self.connection.exec_driver_sql("PRAGMA query_only = ON")
