"""The statements that make a difference go away, written by Alembic's operations without a connection.

One subclass an engine says what its database does otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Dialect, ForeignKeyConstraint, Table
from sqlalchemy.engine.mock import MockConnection
from sqlalchemy.schema import (
    AddConstraint,
    CreateIndex,
    CreateSchema,
    CreateTable,
    DDLElement,
    SetColumnComment,
    SetTableComment,
)
from sqlalchemy.types import TypeEngine

from ..base.definition import type_key
from ..schema.change import Phase, Step
from ..schema.dialects import offline, quoted
from ..schema.difference import Difference
from ..schema.names import full_name, split_name
from ..schema.rebuilding import column_from, index_from, name_or_none, table_from, verbatim
from ..schema.snapshot import ColumnShape, ForeignKeyShape, Grant, Snapshot, TableShape, ViewShape

__all__ = ["DdlWriter"]


class DdlWriter:
    """Writes statements for one kind of database.

    Args:
        dialect: SQLAlchemy's dialect of an open connection.
        have: what there is.
        tables: what is declared, by full name; a table that is not among them is made from its shape.
        large: full names of the tables that hold so much that they are changed the gentle way.
    """

    foreign_keys_inline = False
    """Whether a foreign key can only be made with its table."""

    def __init__(
        self,
        dialect: Dialect,
        have: Snapshot,
        tables: Mapping[str, Table] | None = None,
        large: frozenset[str] = frozenset(),
    ) -> None:
        self.dialect = offline(dialect)
        self.quote = self.dialect.identifier_preparer.quote
        self.have = have
        self.tables = tables or {}
        self.large = large
        self._types: dict[Any, TypeEngine[Any]] = {}

    # Statements

    def compiled(self, element: DDLElement) -> str:
        """A statement of SQLAlchemy's as text."""
        return str(element.compile(dialect=self.dialect)).strip()

    def operations(self, work: Callable[[Operations], object]) -> list[str]:
        """The statements that Alembic writes for some operations."""
        found: list[str] = []

        def note(element: Any, *_values: object) -> None:
            found.append(str(element.compile(dialect=self.dialect)).strip())

        # Not Alembic's own offline mode: that one puts blanks in the place of tabs, in literals too.
        connection: Any = MockConnection(self.dialect, note)
        work(Operations(MigrationContext.configure(connection=connection)))
        return found

    def steps(self, phase: Phase, work: Callable[[Operations], object]) -> list[Step]:
        """The same as steps of a phase."""
        return [Step(sql, phase) for sql in self.operations(work)]

    def full(self, name: str) -> str:
        """A full name, quoted where it must be."""
        return quoted(self.dialect, name)

    def literal(self, value: str) -> str:
        """Text as a literal."""
        return "'" + value.replace("'", "''") + "'"

    def expect(self, differences: Iterable[Difference]) -> None:
        """Be told all that will be written, before any of it is; most databases go one by one."""

    def impossible(self, difference: Difference) -> str:
        """Why this database has no statement that makes a difference go away; or ""."""
        return ""

    # One method for each kind of difference; `write` finds it by the kind's name.

    def write(self, difference: Difference) -> list[Step]:
        """The statements that make a difference go away."""
        method: Callable[[Difference], list[Step]] = getattr(self, difference.kind.replace(" ", "_"))
        return method(difference)

    def schema(self, difference: Difference) -> list[Step]:
        """A schema that is missing."""
        return [Step(self.compiled(CreateSchema(difference.name)), Phase.SCHEMAS)]

    def table(self, difference: Difference) -> list[Step]:
        """A table that is missing, or one too many."""
        if difference.want is not None:
            return self.create_table(difference.name, difference.want)
        return [*self._apart(difference), Step(f"DROP TABLE {self.full(difference.name)}", Phase.DROPS)]

    def _apart(self, difference: Difference) -> list[Step]:
        """Take away the keys to tables that go as well: no order is right for tables in a circle."""
        if self.foreign_keys_inline:
            return []
        return [
            step
            for key, shape in difference.have.foreign_keys.items()
            if shape.to_table not in self.tables and shape.to_table != difference.name
            for step in self.foreign_key(Difference("foreign key", key, difference.name, have=shape))
        ]

    def create_table(self, name: str, shape: TableShape) -> list[Step]:
        """A new table with all that belongs to it."""
        declared = self.tables.get(name)
        table = declared if declared is not None else self.made_from(name, shape)
        self._share_types(table)
        inline: list[ForeignKeyConstraint] | None = None if self.foreign_keys_inline else []
        create = CreateTable(table, include_foreign_key_constraints=inline)
        steps = [Step(self.compiled(create), Phase.TABLES)]
        steps += [
            Step(self.compiled(CreateIndex(index)), Phase.INDEXES)
            for index in sorted(table.indexes, key=lambda each: str(each.name))
        ]
        if self.dialect.supports_comments and not self.dialect.inline_comments:
            if table.comment:
                steps.append(Step(self.compiled(SetTableComment(table)), Phase.TABLES))
            steps += [
                Step(self.compiled(SetColumnComment(column)), Phase.TABLES)
                for column in table.columns
                if column.comment
            ]
        if not self.foreign_keys_inline:
            steps += self._foreign_keys_of(name, shape, declared)
        for trigger, made in shape.triggers.items():
            steps += self.trigger(Difference("trigger", trigger, name, want=made))
        for partition, bounds in shape.partitions.items():
            steps += self.partition(Difference("partition", partition, name, want=bounds))
        return steps

    def _share_types(self, table: Table) -> None:
        # SQLAlchemy works out for each column alone what its type is there; equal ones are told once.
        known: Any = self.dialect._type_memos
        for column in table.columns:
            key = type_key(column)
            if key is None:
                continue
            first = self._types.setdefault(key, column.type)
            if first is not column.type and column.type not in known:
                known[column.type] = first._dialect_info(self.dialect)

    def made_from(self, name: str, shape: TableShape) -> Table:
        """A table that is no longer declared, as SQLAlchemy knows it; without foreign keys."""
        return table_from(name, shape, self.dialect.name)

    def _foreign_keys_of(self, name: str, shape: TableShape, declared: Table | None) -> list[Step]:
        if declared is not None:
            constraints = sorted(
                declared.foreign_key_constraints, key=lambda each: [column.name for column in each.columns]
            )
            # A declared constraint stays as it is: other targets may want it inside of their CREATE TABLE.
            return [
                Step(self.compiled(AddConstraint(each, isolate_from_table=False)), Phase.FOREIGN_KEYS)
                for each in constraints
            ]
        found = []
        for key, foreign in shape.foreign_keys.items():
            found += self.add_foreign_key(name, key, foreign)
        return found

    def column(self, difference: Difference) -> list[Step]:
        """A column that is missing, one too many, or another than declared."""
        schema, table = split_name(difference.table)
        have, want = difference.have, difference.want
        if want is None:
            return self.steps(Phase.COLUMNS, lambda op: op.drop_column(table, difference.name, schema=schema))
        if have is None:
            return self.add_column(difference.table, difference.name, want)
        if (have.generated is None) != (want.generated is None) or have.generated != want.generated:
            dropped = self.steps(
                Phase.COLUMNS, lambda op: op.drop_column(table, difference.name, schema=schema)
            )
            return [*dropped, *self.add_column(difference.table, difference.name, want)]
        return self.alter_column(difference.table, difference.name, have, want)

    def add_column(self, table: str, name: str, shape: ColumnShape) -> list[Step]:
        """A new column of a table that is there."""
        schema, bare = split_name(table)
        return self.steps(
            Phase.COLUMNS, lambda op: op.add_column(bare, column_from(name, shape), schema=schema)
        )

    def alter_column(self, table: str, name: str, have: ColumnShape, want: ColumnShape) -> list[Step]:
        """A column that is there, made what it should be."""
        schema, bare = split_name(table)
        new = column_from(name, want)
        changes: dict[str, Any] = {}
        if have.type != want.type:
            changes["type_"] = new.type
        if have.nullable != want.nullable:
            changes["nullable"] = want.nullable
        if have.default != want.default:
            changes["server_default"] = None if want.default is None else verbatim(want.default)
        if have.comment != want.comment:
            changes["comment"] = want.comment
            changes["existing_comment"] = have.comment
        if not changes:
            return []
        old = column_from(name, have)
        return self.steps(
            Phase.COLUMNS,
            lambda op: op.alter_column(
                bare,
                name,
                schema=schema,
                existing_type=old.type,
                existing_nullable=have.nullable,
                existing_server_default=False if have.default is None else verbatim(have.default),
                **changes,
            ),
        )

    def primary_key(self, difference: Difference) -> list[Step]:
        """Another primary key than declared."""
        schema, table = split_name(difference.table)
        found = []
        if difference.have:
            found += self.drop_primary_key(difference.table)
        if difference.want:
            columns = list(difference.want)
            found += self.steps(
                Phase.KEYS, lambda op: op.create_primary_key(None, table, columns, schema=schema)
            )
        return found

    def drop_primary_key(self, table: str) -> list[Step]:
        """Take the primary key away."""
        return [Step(f"ALTER TABLE {self.full(table)} DROP PRIMARY KEY", Phase.CLEARING)]

    def unique(self, difference: Difference) -> list[Step]:
        """A unique constraint that is missing, or one too many."""
        schema, table = split_name(difference.table)
        if difference.want is None:
            return self.drop_constraint(difference, "unique")
        return self.steps(
            Phase.KEYS,
            lambda op: op.create_unique_constraint(
                name_or_none(difference.name), table, list(difference.want), schema=schema
            ),
        )

    def check(self, difference: Difference) -> list[Step]:
        """A check that is missing, one too many, or not validated."""
        schema, table = split_name(difference.table)
        if difference.want is None:
            return self.drop_constraint(difference, "check")
        return self.steps(
            Phase.KEYS,
            lambda op: op.create_check_constraint(
                name_or_none(difference.name), table, verbatim(difference.want.expression), schema=schema
            ),
        )

    def foreign_key(self, difference: Difference) -> list[Step]:
        """A foreign key that is missing, one too many, or not validated."""
        if difference.want is None:
            return self.drop_constraint(difference, "foreignkey")
        return self.add_foreign_key(difference.table, difference.name, difference.want)

    def add_foreign_key(self, name: str, key: str, shape: ForeignKeyShape, **options: Any) -> list[Step]:
        """A new foreign key."""
        schema, table = split_name(name)
        to_schema, to_table = split_name(shape.to_table)
        return self.steps(
            Phase.FOREIGN_KEYS,
            lambda op: op.create_foreign_key(
                name_or_none(key),
                table,
                to_table,
                list(shape.columns),
                list(shape.to_columns),
                source_schema=schema,
                referent_schema=to_schema,
                ondelete=shape.on_delete or None,
                onupdate=shape.on_update or None,
                deferrable=bool(shape.deferrable) or None,
                initially=shape.deferrable.removeprefix("INITIALLY ") or None,
                **options,
            ),
        )

    def drop_constraint(self, difference: Difference, kind: Any) -> list[Step]:
        """Take a constraint away."""
        schema, table = split_name(difference.table)
        return self.steps(
            Phase.CLEARING,
            lambda op: op.drop_constraint(difference.name, table, schema=schema, type_=kind),
        )

    def index(self, difference: Difference) -> list[Step]:
        """An index that is missing, one too many, or another than declared."""
        found = self.drop_index(difference) if difference.have is not None else []
        if difference.want is not None:
            found += self.create_index(difference)
        return found

    def drop_index(self, difference: Difference) -> list[Step]:
        """Take an index away."""
        schema, table = split_name(difference.table)
        return self.steps(
            Phase.CLEARING, lambda op: op.drop_index(difference.name, table_name=table, schema=schema)
        )

    def create_index(self, difference: Difference, **options: Any) -> list[Step]:
        """A new index of a table that is there."""
        index = index_from(
            table_from(
                difference.table,
                TableShape(columns=dict.fromkeys(difference.want.include, ColumnShape("integer"))),
                self.dialect.name,
            ),
            difference.name,
            difference.want,
            self.dialect.name,
        )
        return [Step(self.compiled(CreateIndex(index)), Phase.INDEXES)]

    def comment(self, difference: Difference) -> list[Step]:
        """Another comment on a table."""
        schema, table = split_name(difference.table)
        if difference.want is None:
            return self.steps(Phase.TABLES, lambda op: op.drop_table_comment(table, schema=schema))
        return self.steps(
            Phase.TABLES, lambda op: op.create_table_comment(table, difference.want, schema=schema)
        )

    def trigger(self, difference: Difference) -> list[Step]:
        """A trigger that is missing, one too many, or another than declared."""
        found = []
        if difference.have is not None:
            found.append(Step(self.drop_trigger(difference.name, difference.table), Phase.CLEARING))
        if difference.want is not None:
            found.append(Step(difference.want.definition, Phase.TRIGGERS))
        return found

    def drop_trigger(self, name: str, table: str) -> str:
        """Take a trigger away."""
        return f"DROP TRIGGER {self.full(full_name(split_name(table)[0], name))}"

    def partition(self, difference: Difference) -> list[Step]:
        """A partition; where tables are not cut, none is ever declared or found."""
        raise NotImplementedError(f"partitions of {self.dialect.name}")

    def routine(self, difference: Difference) -> list[Step]:
        """A function that is missing, one too many, or another than declared."""
        if difference.want is None:
            return [Step(f"DROP FUNCTION {difference.name}", Phase.DROPS)]
        return [Step(difference.want.definition, Phase.ROUTINES)]

    def view(self, difference: Difference) -> list[Step]:
        """A view that is missing, one too many, or another than declared."""
        found = [] if difference.have is None else self.drop_view(difference.name, difference.have)
        if difference.want is not None:
            found += self.create_view(difference.name, difference.want)
        return found

    def drop_view(self, name: str, shape: ViewShape) -> list[Step]:
        """Take a view away, before what it reads changes."""
        kind = "MATERIALIZED VIEW" if shape.materialized else "VIEW"
        return [Step(f"DROP {kind} {self.full(name)}", Phase.CLEARING)]

    def create_view(self, name: str, shape: ViewShape) -> list[Step]:
        """A new view, or one in the place of another: with the rights on that one."""
        full = self.full(name)
        kind = "MATERIALIZED VIEW" if shape.materialized else "VIEW"
        query = shape.definition.strip().removesuffix(";")
        found = [Step(f"CREATE {kind} {full} AS {query}", Phase.VIEWS)]
        if shape.comment is not None:
            found.append(Step(f"COMMENT ON {kind} {full} IS {self.literal(shape.comment)}", Phase.VIEWS))
        return [*found, *self.rights_again(name)]

    def rights_again(self, name: str) -> list[Step]:
        """The rights that there are on a view, once more: they went with the one before."""
        rights = sorted(right for right in self.have.grants if (right.on, right.name) == ("table", name))
        given = [step for right in rights for step in self.grant(Difference("grant", name, want=right))]
        return [replace(step, phase=Phase.VIEWS) for step in given]

    def grant(self, difference: Difference) -> list[Step]:
        """A right that is missing, or one too many."""
        right: Grant = difference.want or difference.have
        on = f"SCHEMA {self.quote(right.name)}" if right.on == "schema" else self.full(right.name)
        to = "PUBLIC" if right.to == "PUBLIC" else self.quote(right.to)
        if difference.want is not None:
            return [Step(f"GRANT {right.privilege} ON {on} TO {to}", Phase.GRANTS)]
        return [Step(f"REVOKE {right.privilege} ON {on} FROM {to}", Phase.GRANTS)]
