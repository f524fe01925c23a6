from importlib.metadata import EntryPoint

import pytest
from sqlmodel_framework import BaseEngine, DatakitError, Target
from sqlmodel_framework.engines import registry
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.engines.sqlserver.engine import SqlServerEngine


class DuckEngine(BaseEngine):
    pass


def install(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    made = [EntryPoint(name, value, registry.GROUP) for name, value in points.items()]
    monkeypatch.setattr(registry, "entry_points", lambda group: made)


def test_postgresql_is_built_in() -> None:
    target = Target("postgresql://h/d")
    engine = engine_for(target)
    assert isinstance(engine, PostgresEngine)
    assert engine.target is target


def test_a_third_party_engine_is_found_by_the_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: DuckEngine)
    install(monkeypatch, duckdb="duck_engine:DuckEngine")
    assert isinstance(engine_for(Target("duckdb:///x")), DuckEngine)


def test_an_unknown_dialect_names_the_engines_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, duckdb="duck_engine:DuckEngine")
    with pytest.raises(DatakitError, match="there is no engine for 'oracle' databases") as caught:
        engine_for(Target("oracle://h/d"))
    assert caught.value.hint == "there are: duckdb, mariadb, mssql, postgresql, sqlite"


def test_an_engine_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, duckdb="not_there_at_all:Engine")
    with pytest.raises(DatakitError, match="'duckdb'.*cannot be imported.*not_there_at_all"):
        engine_for(Target("duckdb:///x"))


def test_an_entry_point_that_is_no_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, duckdb="json:loads")
    with pytest.raises(DatakitError, match="not a subclass of BaseEngine"):
        engine_for(Target("duckdb:///x"))


def test_sql_server_is_built_in_unless_an_engine_for_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("mssql://me@h/d")
    install(monkeypatch)
    assert isinstance(engine_for(target), SqlServerEngine)
    monkeypatch.setattr(EntryPoint, "load", lambda self: DuckEngine)
    install(monkeypatch, mssql="duck_engine:DuckEngine")
    assert isinstance(engine_for(target), DuckEngine)
