"""What SQL Server is told: compiled, and parsed by the grammar of T-SQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.dialects import mssql
from sqlalchemy.schema import CreateTable
from sqlfluff.core import FluffConfig, Linter
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.sqlserver.upkeep import upkeep
from sqlmodel_framework.history import as_of, changes_between, history_of


class Order(TransactionalTableMixin, TemporalTableMixin, table=True):
    __tablename__ = "order"
    __table_args__ = {"schema": "my shop"}
    id: int = Field(primary_key=True)
    part: str = Field(primary_key=True, max_length=9)
    size: int | None = Field(default=None, sa_column_kwargs={"name": "si ze"})


class Placed(TemporalTableMixin, table=True):
    __tablename__ = "server_placed"
    id: int = Field(primary_key=True)


DIALECT: Any = mssql.dialect()  # type: ignore[no-untyped-call]
NOW = datetime.now(UTC)
LINTER = Linter(config=FluffConfig(overrides={"dialect": "tsql"}))


def compiled(statement: Any) -> str:
    return str(statement.compile(dialect=DIALECT))


def unparsable(sql: str) -> list[str]:
    """What the grammar does not know in a statement."""
    parsed = LINTER.parse_string(sql.replace(":param_", "@param_"))
    tree = parsed.tree
    assert tree is not None
    return [segment.raw for segment in tree.recursive_crawl("unparsable")] + [
        str(v) for v in parsed.violations
    ]


STATEMENTS = {
    "create": compiled(CreateTable(table_of(Order))),
    "create in the default schema": compiled(CreateTable(table_of(Placed))),
    "as of": compiled(as_of(Order, NOW)),
    "history": compiled(history_of(Order, (1, "a"))),
    "changes": compiled(changes_between(Order, NOW, NOW)),
    **{name: shape.definition for name, shape in upkeep(table_of(Order)).triggers.items()},
}


@pytest.mark.capability("history: times of the row", engine="sqlserver", how="compiled")
@pytest.mark.parametrize("name", STATEMENTS)
def test_every_statement_is_t_sql(name: str) -> None:
    assert unparsable(STATEMENTS[name]) == []


def test_the_grammar_does_object() -> None:
    assert unparsable("SELECT a FROM t FOR SYSTEM_TIME SINCE @x")


@pytest.mark.capability("history: states and intervals", engine="sqlserver", how="compiled")
def test_the_server_keeps_the_history_in_a_table_with_a_name() -> None:
    sql = STATEMENTS["create"]
    assert "valid_from DATETIME2(7) GENERATED ALWAYS AS ROW START NOT NULL" in sql
    assert "valid_to DATETIME2(7) GENERATED ALWAYS AS ROW END NOT NULL" in sql
    assert "PERIOD FOR SYSTEM_TIME (valid_from, valid_to)" in sql
    assert "SYSTEM_VERSIONING = ON (HISTORY_TABLE = [my shop].order_history)" in sql
    assert "HISTORY_TABLE = dbo.server_placed_history" in STATEMENTS["create in the default schema"]
    assert upkeep(table_of(Order)).versioned
    assert upkeep(table_of(Order)).tables == ()


@pytest.mark.capability("history: any name", engine="sqlserver", how="compiled")
def test_a_bracket_in_a_name_is_doubled() -> None:
    class Boxed(TransactionalTableMixin, table=True):
        __tablename__ = "a]b"
        id: int = Field(primary_key=True, sa_column_kwargs={"name": "c]d"})

    # The grammar of sqlfluff does not know this.
    (definition,) = (shape.definition for shape in upkeep(table_of(Boxed)).triggers.values())
    assert "ON [a]]b] AFTER UPDATE" in definition
    assert "t.[c]]d] = i.[c]]d]" in definition


@pytest.mark.capability("history: questions", engine="sqlserver", how="compiled")
def test_questions_are_asked_in_the_servers_own_words() -> None:
    assert "FOR SYSTEM_TIME AS OF :param_1" in STATEMENTS["as of"]
    assert "FOR SYSTEM_TIME ALL" in STATEMENTS["history"]
    assert as_of(Order, NOW).compile(dialect=DIALECT).params == {"param_1": NOW}


def test_a_table_without_history_is_created_as_ever() -> None:
    class Ordinary(TransactionalTableMixin, table=True):
        __tablename__ = "server_ordinary"
        id: int = Field(primary_key=True)

    assert "SYSTEM" not in compiled(CreateTable(table_of(Ordinary)))
    (definition,) = (shape.definition for shape in upkeep(table_of(Ordinary)).triggers.values())
    assert unparsable(definition) == []
