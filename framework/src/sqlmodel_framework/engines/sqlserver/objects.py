"""The statements of SQL Server for what is no table, and what those for tables share."""

from __future__ import annotations

from ...schema.change import Phase, Step
from ...schema.difference import Difference
from ...schema.names import split_name
from ...schema.snapshot import Grant, ViewShape
from ..ddl import DdlWriter
from .queries import literal, widened

__all__ = ["SqlServerObjects"]


class SqlServerObjects(DdlWriter):
    """Writes statements for schemas, sequences, routines, views, rights and comments."""

    @property
    def default_schema(self) -> str:
        """The schema of what is named without one."""
        return str(self.dialect.default_schema_name or "dbo")

    def literal(self, value: str) -> str:
        """Text as a literal, of any letters."""
        return literal(value)

    def alter(self, table: str, words: str) -> str:
        """ALTER TABLE with whatever follows."""
        return f"ALTER TABLE {self.full(table)} {words}"

    def commented(
        self, name: str, column: str | None, have: str | None, want: str | None, kind: str = "TABLE"
    ) -> list[Step]:
        """Another comment on a table or view, or on a column of it."""
        if have == want:
            return []
        schema, bare = split_name(name)
        verb = "drop" if want is None else "add" if have is None else "update"
        words = [literal("MS_Description"), *([] if want is None else [literal(want)])]
        words += [literal("SCHEMA"), literal(schema or self.default_schema), literal(kind), literal(bare)]
        words += [] if column is None else [literal("COLUMN"), literal(column)]
        phase = Phase.VIEWS if kind == "VIEW" else Phase.TABLES if column is None else Phase.COLUMNS
        return [Step(f"EXEC sys.sp_{verb}extendedproperty {', '.join(words)}", phase)]

    def sequence(self, difference: Difference) -> list[Step]:
        """A sequence."""
        full, have, want = self.full(difference.name), difference.have, difference.want
        if want is None:
            return [Step(f"DROP SEQUENCE {full}", Phase.DROPS)]
        if have is None:
            words = f"AS {want.type} START WITH {want.start} INCREMENT BY {want.increment}"
            return [Step(f"CREATE SEQUENCE {full} {words}", Phase.TYPES)]
        words = f"RESTART WITH {want.start} INCREMENT BY {want.increment}"
        return [Step(f"ALTER SEQUENCE {full} {words}", Phase.TYPES)]

    def routine(self, difference: Difference) -> list[Step]:
        """A function or procedure, replaced in place where it is there."""
        shape = difference.want or difference.have
        kind = shape.definition.split(maxsplit=2)[1]
        if difference.want is None:
            return [Step(f"DROP {kind} {self.full(difference.name)}", Phase.DROPS)]
        return [Step(shape.definition.replace("CREATE ", "CREATE OR ALTER ", 1), Phase.ROUTINES)]

    def create_view(self, name: str, shape: ViewShape) -> list[Step]:
        """A new view, or one in the place of another: with the rights on that one."""
        query = widened(shape.definition.strip().removesuffix(";"))
        return [
            Step(f"CREATE VIEW {self.full(name)} AS {query}", Phase.VIEWS),
            *self.commented(name, None, None, shape.comment, "VIEW"),
            *self.rights_again(name),
        ]

    def grant(self, difference: Difference) -> list[Step]:
        """A right that is missing, or one too many."""
        right: Grant = difference.want or difference.have
        on = f"SCHEMA::{self.quote(right.name)}"
        if right.on != "schema":
            on = f"OBJECT::{self.full(right.name)}"
        to = "public" if right.to == "PUBLIC" else self.quote(right.to)
        if difference.want is not None:
            return [Step(f"GRANT {right.privilege} ON {on} TO {to}", Phase.GRANTS)]
        return [Step(f"REVOKE {right.privilege} ON {on} FROM {to}", Phase.GRANTS)]
