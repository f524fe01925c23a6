"""What a datakit declares, as shapes: in its own words, which a database may print otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Constraint,
    Enum,
    ForeignKeyConstraint,
    Index,
    Table,
    UniqueConstraint,
)
from sqlalchemy.schema import CreateTable
from sqlalchemy.sql.elements import ColumnElement

from ..base.declarations import Allow, View
from ..base.definition import TypeTexts
from ..base.tables import plain_type, table_of
from .dialects import offline
from .names import full_name, made_up_name, name_of, split_name
from .record import fingerprints_of
from .snapshot import (
    CheckShape,
    ColumnShape,
    EnumShape,
    ForeignKeyShape,
    Grant,
    IndexShape,
    RoutineShape,
    Scope,
    Snapshot,
    TableShape,
    ViewShape,
)
from .upkeep import Upkeep

if TYPE_CHECKING:
    from ..base.datakit import Datakit
    from ..engines.base import BaseEngine

__all__ = ["Declared", "declare", "declare_datakit", "scope_of"]

_NO_ACTION = ("NO ACTION", "")


@dataclass(frozen=True)
class Declared:
    """What is declared for one kind of database.

    Attributes:
        snapshot: as shapes, in the words of the declaration.
        tables: SQLAlchemy's tables, companions included, by full name; a table comes after those that
            it refers to, as far as there is no circle. Empty for what an earlier deployment declared.
        recorded: the fingerprints of such an earlier declaration.
    """

    snapshot: Snapshot
    tables: Mapping[str, Table] = field(default_factory=dict)
    recorded: Mapping[tuple[str, str], str] | None = None

    @cached_property
    def fingerprints(self) -> Mapping[tuple[str, str], str]:
        """For each object, by kind and full name, a hash that changes whenever its declaration does."""
        return fingerprints_of(self.snapshot) if self.recorded is None else self.recorded

    @property
    def scope(self) -> Scope:
        """Where to look for what is declared: whole schemas, and single tables of the default one."""
        return scope_of(self.snapshot)


def scope_of(snapshot: Snapshot) -> Scope:
    """Where the objects of a snapshot are: whole schemas, and single tables of the default one."""
    places = [split_name(name) for name in (*snapshot.tables, *snapshot.views)]
    return Scope(
        snapshot.schemas | {schema for schema, _ in places if schema is not None},
        frozenset((None, name) for schema, name in places if schema is None),
    )


def declare_datakit(engine: BaseEngine, datakit: Datakit) -> Declared:
    """Describe a datakit's tables, and what is declared beside them, for an engine that is connected.

    Raises:
        DeclarationError: the datakit has no tables, or declares some that cannot work here.
    """
    tables = datakit.sorted_tables()
    engine.refuse_names(tables)
    declared = declare(engine, tables)
    dialect = offline(engine.connection.dialect)
    views = {
        full_name(view.schema, view.name): ViewShape(view.sql(dialect), view.materialized, view.comment)
        for view in datakit.views
    }
    schemas = {view.schema for view in datakit.views if view.schema is not None}
    grants = {
        Grant("schema" if item.kind == "schema" else "table", _allowed_on(item), item.to, privilege)
        for item in datakit.grants
        for privilege in item.privileges
    }
    snapshot = replace(
        declared.snapshot,
        schemas=declared.snapshot.schemas | schemas,
        views=views,
        grants=frozenset(grants) if engine.has_grants else frozenset(),
    )
    return replace(declared, snapshot=snapshot)


def _allowed_on(item: Allow) -> str:
    if isinstance(item.on, View):
        return full_name(item.on.schema, item.on.name)
    return item.name if item.on is None else name_of(table_of(item.on))


def declare(engine: BaseEngine, tables: Iterable[Table]) -> Declared:
    """Describe tables, and what keeps them true, for an engine that is connected."""
    describing = _Describing(engine)
    found: dict[str, Table] = {}
    shapes: dict[str, TableShape] = {}
    routines: dict[str, RoutineShape] = {}
    enums: dict[str, EnumShape] = {}
    for table in tables:
        upkeep = engine.upkeep(table)
        found[name_of(table)] = table
        shapes[name_of(table)] = describing.table(table, upkeep)
        routines |= upkeep.routines
        for companion in upkeep.tables:
            found[name_of(companion)] = companion
            shapes[name_of(companion)] = describing.table(companion, Upkeep())
        if engine.has_enums:
            enums |= _enums(table)
    schemas = frozenset(table.schema for table in found.values() if table.schema is not None)
    return Declared(Snapshot(schemas=schemas, tables=shapes, routines=routines, enums=enums), found)


def _enums(table: Table) -> dict[str, EnumShape]:
    found = {}
    for column in table.columns:
        kind = plain_type(column)
        inner = getattr(kind, "item_type", kind)
        if isinstance(inner, Enum) and inner.native_enum and inner.name:
            found[full_name(inner.schema, inner.name)] = EnumShape(tuple(inner.enums))
    return found


class _Describing:
    """Turns SQLAlchemy's tables into shapes; one compiler serves all of them."""

    def __init__(self, engine: BaseEngine) -> None:
        self.engine = engine
        self.dialect = offline(engine.connection.dialect)
        self.types = TypeTexts(engine.declared_type)
        self.comments = self.dialect.supports_comments
        # Most columns are like others; a shape once made serves them all.
        self.columns: dict[tuple[Any, ...], ColumnShape] = {}
        # Given a statement, it would compile it at once.
        no_statement: Any = None
        self.compiler: Any = self.dialect.ddl_compiler(self.dialect, no_statement)

    def table(self, table: Table, upkeep: Upkeep) -> TableShape:
        uniques: dict[str, tuple[str, ...]] = {}
        checks: dict[str, CheckShape] = {}
        foreign_keys: dict[str, ForeignKeyShape] = {}
        # A check can belong to a column alone. Constraints are a set, whose order changes from run to run.
        of_columns = [each for column in table.columns for each in column.constraints]
        for constraint in sorted([*table.constraints, *of_columns], key=_order):
            name = self._cut(constraint.name) if isinstance(constraint.name, str) else ""
            if isinstance(constraint, UniqueConstraint):
                columns = tuple(column.name for column in constraint.columns)
                uniques[name or made_up_name("unique", columns)] = columns
            elif isinstance(constraint, CheckConstraint):
                if not _applies(constraint, self.compiler):
                    continue
                expression = self._expression(constraint.sqltext)
                checks[name or made_up_name("check", (expression,))] = CheckShape(expression)
            elif isinstance(constraint, ForeignKeyConstraint):
                shape = _foreign_key(constraint)
                foreign_keys[name or made_up_name("foreign key", shape.columns)] = shape
        return TableShape(
            columns={column.name: self._column(column) for column in table.columns},
            primary_key=tuple(column.name for column in table.primary_key.columns),
            uniques=uniques,
            foreign_keys=foreign_keys,
            checks=checks,
            indexes={
                self._cut(index.name): self._index(index)
                for index in sorted(table.indexes, key=lambda each: str(each.name))
            },
            triggers=upkeep.triggers,
            comment=table.comment if self.comments else None,
            partition_by=self.engine.declared_partitioning(table),
            partitions=self.engine.declared_partitions(table),
            versioned=upkeep.versioned,
        )

    def _column(self, column: Column[Any]) -> ColumnShape:
        default: str | None = None
        identity = ""
        words = None if column.computed is None else self._expression(column.computed.sqltext)
        generated = self.engine.declared_generated(column, words)
        if generated is None:
            identity, default = self._filled_in(column)
        comment = column.comment if self.comments else None
        key = (self.types.of(column), bool(column.nullable), default, generated, identity, comment)
        shape = self.columns.get(key)
        if shape is None:
            shape = self.columns[key] = ColumnShape(*key)
        return shape

    def _filled_in(self, column: Column[Any]) -> tuple[str, str | None]:
        """How a column counts, or "", and the default that it has."""
        if column.identity is not None and self.engine.has_identity:
            return "always" if column.identity.always else "by default", None
        if column is column.table._autoincrement_column and (
            column.server_default is None or column.identity is not None
        ):
            return self.engine.counting, None
        if column.server_default is not None:
            return "", self.compiler.get_column_default_string(column)
        return "", None

    def _cut(self, name: Any) -> str:
        """A name as it is rendered: one that SQLAlchemy made up is shortened where it is too long."""
        preparer: Any = self.dialect.identifier_preparer
        return str(preparer.truncate_and_render_index_name(name, _alembic_quote=False))

    def _index(self, index: Index) -> IndexShape:
        options: Mapping[str, Any] = index.dialect_options.get(self.dialect.name, {})
        where = options.get("where")
        return IndexShape(
            parts=tuple(self._part(part) for part in index.expressions),
            unique=bool(index.unique),
            where=None if where is None else self._expression(where),
            method=str(options.get("using") or "").lower().replace("btree", ""),
            include=tuple(
                part if isinstance(part, str) else part.name for part in options.get("include") or ()
            ),
        )

    def _part(self, part: Any) -> str:
        if isinstance(part, Column):
            return self.dialect.identifier_preparer.quote(part.name)
        return self._expression(part)

    def _expression(self, expression: Any) -> str:
        if isinstance(expression, str):
            return expression
        if not isinstance(expression, ColumnElement) and not hasattr(expression, "_compiler_dispatch"):
            return str(expression)
        return str(self.compiler.sql_compiler.process(expression, include_table=False, literal_binds=True))


def _applies(constraint: CheckConstraint, compiler: Any) -> bool:
    """Some checks are for databases that lack a type."""
    rule = getattr(constraint, "_create_rule", None)
    only_if = constraint._ddl_if
    if only_if is not None and not only_if._should_execute(
        CreateTable(constraint.table), constraint, None, compiler=compiler
    ):
        return False
    return rule is None or bool(rule(compiler))


def _foreign_key(constraint: ForeignKeyConstraint) -> ForeignKeyShape:
    elements = constraint.elements
    deferrable = ""
    if constraint.deferrable:
        deferrable = f"INITIALLY {(constraint.initially or 'IMMEDIATE').upper()}"
    return ForeignKeyShape(
        columns=tuple(element.parent.name for element in elements),
        to_table=name_of(elements[0].column.table),
        to_columns=tuple(element.column.name for element in elements),
        on_delete=_action(constraint.ondelete),
        on_update=_action(constraint.onupdate),
        deferrable=deferrable,
    )


def _action(action: str | None) -> str:
    text = (action or "").upper()
    return "" if text in _NO_ACTION else text


def _order(constraint: Constraint) -> tuple[str, list[str], str]:
    columns = [column.name for column in getattr(constraint, "columns", ())]
    return type(constraint).__name__, columns, str(constraint.name)
