from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.catalog import read_snapshot
from sqlmodel_framework.schema.names import split_name
from sqlmodel_framework.schema.snapshot import ColumnShape, Scope

Ask = Callable[..., list[tuple[object, ...]]]


@contextmanager
def connected(target: Target) -> Iterator[Connection]:
    engine = create_engine(target.secret_url(), poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def wanted(*places: tuple[str | None, str]) -> Scope:
    return Scope(tables=frozenset(places))


def test_an_empty_database_holds_nothing_that_was_asked_for(database: Target) -> None:
    with connected(database) as connection:
        snapshot = read_snapshot(connection, wanted(("s", "t"), (None, "t")))
    assert snapshot.schemas == frozenset()
    assert snapshot.tables == {}


def test_only_what_was_asked_for_is_read(database: Target, ask: Ask) -> None:
    ask(
        database,
        "CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t (a int); CREATE TABLE two.t (b int)",
    )
    ask(database, "CREATE TABLE one.other (c int)")
    with connected(database) as connection:
        snapshot = read_snapshot(connection, wanted(("one", "t"), ("two", "none")))
    assert snapshot.schemas == {"one", "two"}
    assert list(snapshot.tables) == ["one.t"]


def test_columns_types_nulls_and_the_order_of_a_key_are_the_servers(database: Target, ask: Ask) -> None:
    ask(
        database,
        "CREATE TABLE t (a int, b varchar(3) NOT NULL, gone int, c numeric(5, 2)[], PRIMARY KEY (c, a))",
    )
    ask(database, "ALTER TABLE t DROP COLUMN gone")
    with connected(database) as connection:
        shape = read_snapshot(connection, wanted((None, "t"))).tables["t"]
    assert dict(shape.columns) == {
        "a": ColumnShape("integer", False),
        "b": ColumnShape("character varying(3)", False),
        "c": ColumnShape("numeric(5,2)[]", False),
    }
    assert list(shape.columns) == ["a", "b", "c"]
    assert shape.primary_key == ("c", "a")


@pytest.mark.parametrize(
    ("ddl", "kind"),
    [
        ("CREATE TABLE x (a int)", "table"),
        ("CREATE TABLE x ()", "table"),
        ("CREATE UNLOGGED TABLE x (a int)", "table"),
        ("CREATE TABLE x (a int) PARTITION BY RANGE (a)", "table"),
        ("CREATE VIEW x AS SELECT 1 AS a", "view"),
        ("CREATE MATERIALIZED VIEW x AS SELECT 1 AS a", "materialized view"),
    ],
)
def test_what_stands_in_a_tables_place_is_told(database: Target, ask: Ask, ddl: str, kind: str) -> None:
    ask(database, ddl)
    with connected(database) as connection:
        assert read_snapshot(connection, wanted((None, "x"))).tables["x"].kind == kind


def test_a_unique_index_is_no_primary_key(database: Target, ask: Ask) -> None:
    ask(database, "CREATE TABLE x (a int NOT NULL UNIQUE)")
    with connected(database) as connection:
        assert read_snapshot(connection, wanted((None, "x"))).tables["x"].primary_key == ()


def test_names_are_compared_as_they_are_written(database: Target, ask: Ask) -> None:
    ask(database, 'CREATE SCHEMA "A b"; CREATE TABLE "A b"."it\'s ""x""" ("Käse" int)')
    with connected(database) as connection:
        places = (("A b", 'it\'s "x"'), ("a b", 'it\'s "x"'), ("A b", 'IT\'S "x"'))
        snapshot = read_snapshot(connection, wanted(*places))
    (name,) = snapshot.tables
    assert split_name(name) == ("A b", 'it\'s "x"')
    assert list(snapshot.tables[name].columns) == ["Käse"]
    assert snapshot.schemas == {"A b"}


@pytest.mark.parametrize("tables", [1, 300])
def test_five_queries_are_enough_for_any_number_of_tables(database: Target, ask: Ask, tables: int) -> None:
    statements: list[str] = []
    ask(database, "".join(f"CREATE TABLE t{n} (id int PRIMARY KEY);" for n in range(tables)))

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    with connected(database) as connection:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            snapshot = read_snapshot(connection, wanted(*((None, f"t{n}") for n in range(tables))))
        finally:
            event.remove(Engine, "before_cursor_execute", note)
    assert len(snapshot.tables) == tables
    assert len(statements) == 5
