"""What SQL Server cannot do is refused by name; words of other databases are found."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    Identity,
    Integer,
)
from sqlmodel_framework import (
    View,
)
from sqlmodel_framework.base.fields import column

from .declarations import AMOUNT, PLAIN, Kit, allowed, history, item, with_
from .nowhere import kit, objections, plan


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            with_(lambda: Column("x", Integer)),
            with_(lambda: Column("x", Integer, Identity())),
            "a column that is there can neither start nor stop counting",
        ),
        (
            history(**AMOUNT),
            history(**AMOUNT, twice=(int | None, column(computed="amount * 2"))),
            "a computed column of a table that keeps its history can neither come nor go",
        ),
        (
            with_(lambda: Column("a", Integer), lambda: Column("x", Integer, Computed("a + 1"))),
            with_(lambda: Column("a", BigInteger), lambda: Column("x", Integer, Computed("a + 1"))),
            "the computed column x is made of it",
        ),
        (PLAIN, lambda: allowed(("TRIGGER",)), "SQL Server has no right TRIGGER of a table"),
        (
            PLAIN,
            lambda: kit(
                item(), views=(View(name="v", query="SELECT 1 AS a", schema="shop", materialized=True),)
            ),
            "SQL Server keeps no rows of a view by itself",
        ),
    ],
)
def test_what_the_server_cannot_do_is_refused(old: Kit, new: Kit, reason: str) -> None:
    changes = plan(old(), new()).plan.changes
    assert [change.blocked.partition(":")[0] for change in changes if change.blocked] == [reason]
    assert all(change.steps == () for change in changes if change.blocked)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t LIMIT 10",
        "INSERT INTO t (a) VALUES (1) RETURNING a",
        "SELECT a FROM t WHERE a ILIKE 'x'",
        "CREATE TABLE t (a SERIAL)",
        "SELECT a::int FROM t",
        "SELECT `a` FROM t",
        "CREATE TABLE t (a int AUTO_INCREMENT)",
        "CREATE TABLE IF NOT EXISTS t (a int)",
        "INSERT INTO t (a) VALUES (1) ON CONFLICT DO NOTHING",
        "SELECT NOW()",
        "CREATE TABLE t (a BOOLEAN)",
        "SELECT a FROM t WHERE b = TRUE",
        "CREATE TABLE t (a TEXT)",
        "COMMENT ON TABLE t IS 'a'",
        "ALTER TABLE t RENAME TO u",
        "SELECT a || b FROM t",
        'SELECT "a" FROM t',
    ],
)
def test_words_of_other_databases_are_refused(sql: str) -> None:
    assert objections(sql)


@pytest.mark.parametrize(
    "sql",
    ["SELECT N'LIMIT 10; TRUE :: `' AS a", "SELECT [LIMIT] FROM [NOW()]", "GRANT SELECT ON OBJECT::t TO u"],
)
def test_the_same_words_in_a_text_or_a_name_are_not(sql: str) -> None:
    assert objections(sql) == []
