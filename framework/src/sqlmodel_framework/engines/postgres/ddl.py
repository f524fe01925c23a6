"""The statements of PostgreSQL; tables that hold much are changed without keeping others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Dialect, Table

from ...schema.change import Phase, Step
from ...schema.difference import Difference
from ...schema.names import full_name, split_name
from ...schema.snapshot import ColumnShape, ForeignKeyShape, Snapshot, ViewShape
from ..ddl import DdlWriter

__all__ = ["PostgresDdl"]

ViewsOn = Callable[[Iterable[tuple[str, str]], Iterable[str]], Mapping[str, frozenset[str]]]

_IDENTITIES = ("always", "by default")


class PostgresDdl(DdlWriter):
    """Writes statements for PostgreSQL.

    Args:
        dialect: see `DdlWriter`.
        have: see `DdlWriter`.
        tables: see `DdlWriter`.
        large: see `DdlWriter`.
        views_on: finds the views that read some columns; see `.readers`.
    """

    def __init__(
        self,
        dialect: Dialect,
        have: Snapshot,
        tables: Mapping[str, Table] | None = None,
        large: frozenset[str] = frozenset(),
        views_on: ViewsOn | None = None,
    ) -> None:
        super().__init__(dialect, have, tables, large)
        self._views_on = views_on
        self._in_the_way: Mapping[str, frozenset[str]] = {}
        self._replaced: set[str] = set()
        self._moved = False

    def expect(self, differences: Iterable[Difference]) -> None:
        """Find the views that are taken away and made again, because a column that they read changes."""
        found = list(differences)
        columns = [(each.table, each.name) for each in found if _is_in_the_way_of_views(each)]
        columns += [
            (table, name)
            for each in found
            if each.kind == "enum" and each.have is not None and self._is_made_anew(each)
            for table, name in self._columns_of(each.name)
        ]
        views = [each.name for each in found if each.kind == "view" and each.have is not None]
        if (columns or views) and self._views_on is not None:
            self._in_the_way = self._views_on(columns, views)
            self._replaced = set(views)

    def impossible(self, difference: Difference) -> str:
        """What a view reads of which this datakit knows nothing."""
        strange = [name for name in self._in_the_way if name not in self.have.views]
        concerned = difference.kind in ("enum", "view") or _is_in_the_way_of_views(difference)
        if not strange or not concerned or difference.have is None:
            return ""
        return f"view {strange[0]}, which this datakit did not declare, reads it: drop that view first"

    def write(self, difference: Difference) -> list[Step]:
        """The statements that make a difference go away; with the first come those that move views."""
        if self._moved or not self._in_the_way:
            return super().write(difference)
        self._moved = True
        return [*self._move_views(), *super().write(difference)]

    def _move_views(self) -> list[Step]:
        found = []
        for name in self._in_the_way:
            found += super().drop_view(name, self.have.views[name])
        # What reads a view that is replaced waits for it.
        late = set(self._replaced)
        for name, reads in reversed(list(self._in_the_way.items())):
            if name in self._replaced:
                continue
            made = self.create_view(name, self.have.views[name])
            if reads & late:
                late.add(name)
                made = [replace(step, phase=Phase.GRANTS) for step in made]
            found += made
        return found

    def drop_view(self, name: str, shape: ViewShape) -> list[Step]:
        """Take a view away, unless that is done already."""
        return [] if name in self._in_the_way else super().drop_view(name, shape)

    def alter(self, table: str, words: str) -> str:
        """ALTER TABLE with whatever follows."""
        return f"ALTER TABLE {self.full(table)} {words}"

    def afterwards(self, *statements: str) -> list[Step]:
        """Steps that follow the transaction, each in one of its own or in none."""
        return [Step(sql, Phase.AFTERWARDS, alone=True) for sql in statements]

    def enum(self, difference: Difference) -> list[Step]:
        """A type of named values: made, widened in place, or replaced where values go or move."""
        full, have, want = self.full(difference.name), difference.have, difference.want
        quote = self.quote
        if want is None:
            return [Step(f"DROP TYPE {full}", Phase.DROPS)]
        values = ", ".join(map(self.literal, want.values))
        if have is None:
            return [Step(f"CREATE TYPE {full} AS ENUM ({values})", Phase.TYPES)]
        if not self._is_made_anew(difference):
            return [
                # A new value cannot be used in the transaction that adds it.
                Step(
                    f"ALTER TYPE {full} ADD VALUE {self._place(want.values, value)}", Phase.TYPES, alone=True
                )
                for value in want.values
                if value not in have.values
            ]
        schema, bare = split_name(difference.name)
        old = full_name(schema, f"{bare}__old")
        return [
            Step(f"ALTER TYPE {full} RENAME TO {self.quote(f'{bare}__old')}", Phase.TYPES),
            Step(f"CREATE TYPE {full} AS ENUM ({values})", Phase.TYPES),
            *(
                Step(
                    self.alter(
                        table,
                        f"ALTER COLUMN {quote(column)} TYPE {full} USING {quote(column)}::text::{full}",
                    ),
                    Phase.COLUMNS,
                )
                for table, column in self._columns_of(difference.name)
            ),
            Step(f"DROP TYPE {self.full(old)}", Phase.DROPS),
        ]

    def _is_made_anew(self, difference: Difference) -> bool:
        have, want = difference.have, difference.want
        kept = [] if want is None else [value for value in want.values if value in have.values]
        return kept != list(have.values)

    def _columns_of(self, enum: str) -> Iterator[tuple[str, str]]:
        for table, shape in self.have.tables.items():
            for column, found in shape.columns.items():
                if found.type == enum:
                    yield table, column

    def _place(self, values: tuple[str, ...], value: str) -> str:
        position = values.index(value)
        where = (
            f" AFTER {self.literal(values[position - 1])}"
            if position
            else f" BEFORE {self.literal(values[1])}"
        )
        return self.literal(value) + (where if len(values) > 1 else "")

    def sequence(self, difference: Difference) -> list[Step]:
        """A sequence."""
        full, want = self.full(difference.name), difference.want
        if want is None:
            return [Step(f"DROP SEQUENCE {full}", Phase.DROPS)]
        words = f"AS {want.type} START WITH {want.start} INCREMENT BY {want.increment}"
        verb = "CREATE" if difference.have is None else "ALTER"
        return [Step(f"{verb} SEQUENCE {full} {words}", Phase.TYPES)]

    def alter_column(self, table: str, name: str, have: ColumnShape, want: ColumnShape) -> list[Step]:
        """A column made what it should be: its type, its numbering, then the rest."""
        column = self.quote(name)
        steps: list[Step] = []
        now = have

        def change(words: str, **made: Any) -> None:
            nonlocal now
            steps.append(Step(self.alter(table, f"ALTER COLUMN {column} {words}"), Phase.COLUMNS))
            now = replace(now, **made)

        if have.type != want.type and have.default is not None:
            change("DROP DEFAULT", default=None)
        if have.identity in _IDENTITIES and want.identity not in _IDENTITIES:
            change("DROP IDENTITY", identity="")
        if have.type != want.type:
            # Between sizes of one type nothing is said about the conversion: too long a value is an error.
            same = have.type.partition("(")[0] == want.type.partition("(")[0]
            change(f"TYPE {want.type}" + ("" if same else f" USING {column}::{want.type}"), type=want.type)
        if want.identity in _IDENTITIES and now.identity != want.identity:
            if now.default is not None:
                change("DROP DEFAULT", default=None)
            verb = "SET GENERATED" if now.identity in _IDENTITIES else "ADD GENERATED"
            words = want.identity.upper()
            change(
                f"{verb} {words}" + (" AS IDENTITY" if verb.startswith("ADD") else ""), identity=want.identity
            )
        elif want.identity == "serial" and now.identity != "serial":
            schema, bare = split_name(table)
            sequence = full_name(schema, f"{bare}_{name}_seq")
            owner = f"{self.full(table)}.{column}"
            steps.append(Step(f"CREATE SEQUENCE {self.full(sequence)} OWNED BY {owner}", Phase.COLUMNS))
            change(f"SET DEFAULT nextval({self.literal(self.full(sequence))}::regclass)", identity="serial")
        elif now.identity == "serial" and not want.identity:
            change("DROP DEFAULT", identity="")
        if now.nullable and not want.nullable and table in self.large:
            steps += self._not_null_gently(table, name)
            now = replace(now, nullable=False)
        return [*steps, *super().alter_column(table, name, now, want)]

    def _not_null_gently(self, table: str, name: str) -> list[Step]:
        # A validated check spares SET NOT NULL its own look at every row, under a lock that stops everybody.
        check = self.quote(f"datakit {name} is not null"[:60])
        column = self.quote(name)
        return self.afterwards(
            self.alter(table, f"DROP CONSTRAINT IF EXISTS {check}"),
            self.alter(table, f"ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID"),
            self.alter(table, f"VALIDATE CONSTRAINT {check}"),
            self.alter(table, f"ALTER COLUMN {column} SET NOT NULL"),
            self.alter(table, f"DROP CONSTRAINT {check}"),
        )

    def primary_key(self, difference: Difference) -> list[Step]:
        """Another primary key than declared."""
        found = []
        if difference.have:
            name = self.quote(self.have.tables[difference.table].key_name)
            found.append(Step(self.alter(difference.table, f"DROP CONSTRAINT {name}"), Phase.CLEARING))
        if difference.want:
            columns = ", ".join(map(self.quote, difference.want))
            found.append(Step(self.alter(difference.table, f"ADD PRIMARY KEY ({columns})"), Phase.KEYS))
        return found

    def unique(self, difference: Difference) -> list[Step]:
        """A unique constraint; of a large table by way of an index that is made beside the work of others."""
        if difference.want is None or difference.table not in self.large:
            return super().unique(difference)
        schema, bare = split_name(difference.table)
        name = difference.name
        if name.startswith("("):
            name = "_".join([bare, *difference.want, "key"])[:60]
        columns = ", ".join(map(self.quote, difference.want))
        table, quoted = self.full(difference.table), self.quote(name)
        return self.afterwards(
            f"DROP INDEX CONCURRENTLY IF EXISTS {self.full(full_name(schema, name))}",
            f"CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON {table} ({columns})",
            self.alter(difference.table, f"ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted}"),
        )

    def check(self, difference: Difference) -> list[Step]:
        """A check; of a large table first for new rows, then for those that are there."""
        if difference.want is None:
            return super().check(difference)
        name = self.quote(difference.name) if not difference.name.startswith("(") else None
        if difference.have is not None:
            return self.afterwards(self.alter(difference.table, f"VALIDATE CONSTRAINT {name}"))
        if name is None or difference.table not in self.large:
            return super().check(difference)
        words = f"ADD CONSTRAINT {name} CHECK ({difference.want.expression}) NOT VALID"
        return [
            Step(self.alter(difference.table, words), Phase.KEYS),
            *self.afterwards(self.alter(difference.table, f"VALIDATE CONSTRAINT {name}")),
        ]

    def foreign_key(self, difference: Difference) -> list[Step]:
        """A foreign key; of a large table first for new rows, then for those that are there."""
        if difference.want is not None and difference.have is not None:
            name = self.quote(difference.name)
            return self.afterwards(self.alter(difference.table, f"VALIDATE CONSTRAINT {name}"))
        return super().foreign_key(difference)

    def add_foreign_key(self, name: str, key: str, shape: ForeignKeyShape, **options: Any) -> list[Step]:
        """A new foreign key."""
        if name not in self.large:
            return super().add_foreign_key(name, key, shape, **options)
        if key.startswith("("):
            key = "_".join([split_name(name)[1], *shape.columns, "fkey"])[:60]
        return [
            *super().add_foreign_key(name, key, shape, postgresql_not_valid=True),
            *self.afterwards(self.alter(name, f"VALIDATE CONSTRAINT {self.quote(key)}")),
        ]

    def drop_index(self, difference: Difference) -> list[Step]:
        """Take an index away."""
        schema, _ = split_name(difference.table)
        name = self.full(full_name(schema, difference.name))
        if difference.table in self.large:
            return self.afterwards(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        return [Step(f"DROP INDEX {name}", Phase.CLEARING)]

    def create_index(self, difference: Difference, **options: Any) -> list[Step]:
        """A new index; of a large table beside the work of others."""
        (step,) = super().create_index(difference)
        if difference.table not in self.large:
            return [step]
        return self.afterwards(step.sql.replace(" INDEX ", " INDEX CONCURRENTLY ", 1))

    def drop_trigger(self, name: str, table: str) -> str:
        """Take a trigger away."""
        return f"DROP TRIGGER {self.quote(name)} ON {self.full(table)}"

    def routine(self, difference: Difference) -> list[Step]:
        """A function, replaced in place where it is there."""
        if difference.want is None:
            return [Step(f"DROP ROUTINE {difference.name}", Phase.DROPS)]
        return [Step(difference.want.definition, Phase.ROUTINES)]

    def partition(self, difference: Difference) -> list[Step]:
        """A partition: made; or kept as a table of its own when it is one too many."""
        part, table = self.full(difference.name), self.full(difference.table)
        if difference.want is None:
            return [Step(f"ALTER TABLE {table} DETACH PARTITION {part}", Phase.CLEARING)]
        found = []
        if difference.have is not None:
            found.append(Step(f"ALTER TABLE {table} DETACH PARTITION {part}", Phase.CLEARING))
            found.append(
                Step(f"ALTER TABLE {table} ATTACH PARTITION {part} {difference.want}", Phase.COLUMNS)
            )
        else:
            found.append(Step(f"CREATE TABLE {part} PARTITION OF {table} {difference.want}", Phase.TABLES))
        return found


def _is_in_the_way_of_views(difference: Difference) -> bool:
    have, want = difference.have, difference.want
    if difference.kind != "column" or have is None:
        return False
    return want is None or (have.type, have.generated) != (want.type, want.generated)
