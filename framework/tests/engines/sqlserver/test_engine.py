"""The engine short of the wire: its locks, its refusals, and a driver that is not there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, String, Text, UniqueConstraint, func
from sqlmodel_framework import Target, run_datakit
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.engines.sqlserver.engine import SqlServerEngine
from sqlmodel_framework.errors import (
    DeclarationError,
    LockedError,
    TargetError,
    TerminalError,
    UnsupportedVersionError,
)
from sqlmodel_framework.schema.applying import carry_out
from sqlmodel_framework.schema.change import Phase, Step
from sqlmodel_framework.schema.planning import plan_with

from .nowhere import DIALECT, Nowhere, OfflineEngine, kit, model, objections, recorded


class Connected(OfflineEngine):
    """One whose transactions begin and end nowhere."""

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        yield self.nowhere


def test_it_can_plan_and_not_load() -> None:
    assert SqlServerEngine.can_plan
    assert SqlServerEngine.transactional_ddl
    assert SqlServerEngine.keeps_ledger
    assert not SqlServerEngine.can_load
    with pytest.raises(TerminalError, match="can deploy, but not load"):
        OfflineEngine().load(*([None] * 4))  # type: ignore[arg-type]


def _not_offered(capability: str) -> Any:
    mark = pytest.mark.capability(capability, engine="sqlserver", how="not offered")
    return pytest.param(capability, marks=mark)


@pytest.mark.parametrize(
    "capability",
    [
        _not_offered("load: bronze tables"),
        _not_offered("load: broken sources leave nothing"),
        _not_offered("load: checks"),
        _not_offered("load: every source"),
        _not_offered("load: ledger"),
        _not_offered("load: one run at a time"),
        _not_offered("load: row hashes"),
        _not_offered("load: watermarks"),
        _not_offered("load: write modes"),
    ],
)
def test_a_run_is_refused_before_anything_is_asked_of_the_server(capability: str) -> None:
    target = Target("mssql://me@nowhere.invalid/shop", name="shop")
    with pytest.raises(TerminalError, match="SqlServerEngine can deploy, but not load"):
        run_datakit(kit(with_()), target, engine=SqlServerEngine)


def test_a_driver_that_is_not_there_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    engine = engine_for(Target("mssql://me@db.example/shop", name="shop", password="x"), SqlServerEngine)
    missing = "target shop: the driver of SQL Server is missing"
    with pytest.raises(TargetError, match=missing) as caught, engine.connect():
        pass
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("install sqlmodel-framework[sqlserver], unixODBC")


def test_a_whole_deployment_with_its_records_is_t_sql() -> None:
    old = kit(with_(code=Column("code", String(9))))
    new = kit(with_(Index("by_code", "code"), code=Column("code", String(19))))
    there, rows = recorded(old)
    engine = Connected(there, lambda sql: rows if "FROM datakit.object" in sql else [(1,)])
    planned = plan_with(engine, new)
    engine.have = recorded(new)[0]
    made = carry_out(engine, planned, frozenset())
    assert made.changes == ("change column shop.item.code", "add index shop.item.by_code")
    for sql in engine.nowhere.asked:
        assert objections(sql) == []
    kinds = [" ".join(sql.split()[:3]) for sql in engine.nowhere.asked if "datakit." in sql]
    assert kinds[-3:] == [
        "INSERT INTO datakit.deployment",
        "UPDATE datakit.object SET",
        "INSERT INTO datakit.object",
    ]


def test_a_lock_is_of_the_session_and_given_back() -> None:
    engine = Connected(answer=lambda _sql: [(0,)])
    with engine.locked("deploy 'it'"):
        (taken,) = engine.nowhere.asked
    given = engine.nowhere.asked[-1]
    for sql in (taken, given):
        assert objections(sql) == []
        assert "@Resource = N'datakit deploy ''it'''" in sql
        assert "@LockOwner = 'Session'" in sql
    assert "@LockTimeout = 10000" in taken
    assert "sp_releaseapplock" in given


def test_a_lock_that_somebody_else_holds_is_not_waited_for_longer_than_asked() -> None:
    engine = Connected(answer=lambda _sql: [(-1,)])
    in_use = "is in use by another deployment or run"
    with pytest.raises(LockedError, match=in_use) as caught, engine.locked("deploy"):
        raise AssertionError
    assert caught.value.hint == "it was waited for 10 s; try later"


@pytest.mark.parametrize("answer", [-2, -3, -999])
def test_a_lock_that_is_refused_for_another_reason_is_told(answer: int) -> None:
    with pytest.raises(TargetError, match=rf"the deployment's lock is refused \({answer}\)"):
        Connected(answer=lambda _sql: [(answer,)]).begin_run("kit")


def test_a_transaction_that_the_server_has_undone_is_told() -> None:
    steps = [Step("CREATE TABLE t (a int)", Phase.TABLES)]
    engine = OfflineEngine(answer=lambda _sql: [(1,)])
    engine.execute_steps(steps)
    assert engine.nowhere.asked == ["CREATE TABLE t (a int)", "SELECT @@TRANCOUNT"]
    with pytest.raises(TerminalError, match="the server undid the transaction"):
        OfflineEngine(answer=lambda _sql: [(0,)]).execute_steps(steps)


class Old(Nowhere):
    """A server of some version."""

    def __init__(self, version: tuple[int, ...], edition: int) -> None:
        super().__init__(lambda _sql: [(edition,)])
        self.dialect = copy(DIALECT)
        self.dialect.server_version_info = version

    def rollback(self) -> None:
        """Nothing is kept."""


@pytest.mark.parametrize(("version", "edition"), [((14, 0), 3), ((16, 0), 3), ((12, 0), 5), ((12, 0), 8)])
def test_a_server_of_2017_or_later_and_azure_are_taken(version: tuple[int, ...], edition: int) -> None:
    connection: Any = Old(version, edition)
    OfflineEngine()._refuse_old_version(connection)


def test_an_older_server_is_refused() -> None:
    connection: Any = Old((13, 0), 3)
    words = "mssql 13.0 is not supported, the oldest that is, is 14"
    with pytest.raises(UnsupportedVersionError, match=words):
        OfflineEngine()._refuse_old_version(connection)


def test_a_right_that_is_missing_is_named() -> None:
    OfflineEngine(answer=lambda _sql: [("shop", "me", 1, 1)]).check_rights()
    with pytest.raises(TargetError, match="user 'me me' lacks the right CREATE SCHEMA on 'shop'") as caught:
        OfflineEngine(answer=lambda _sql: [("shop", "me me", 1, 0)]).check_rights()
    assert caught.value.hint == "GRANT CREATE SCHEMA TO [me me]"


class Begun(Nowhere):
    """A connection whose transaction is noted."""

    def begin(self) -> Begun:
        self.asked.append("begin")
        return self

    def rollback(self) -> None:
        self.asked.append("rollback")


def test_what_a_question_writes_is_undone() -> None:
    engine: Any = OfflineEngine()
    engine.nowhere = engine._connection = Begun(lambda _sql: [])
    assert engine.read_rows("DELETE FROM t") == []
    assert engine.nowhere.asked == ["begin", "DELETE FROM t", "rollback"]


def test_what_is_under_way_is_cancelled_through_its_cursor() -> None:
    class Cursor:
        cancelled = False

        def cancel(self) -> None:
            self.cancelled = True

    engine, cursor = OfflineEngine(), Cursor()
    engine.cancel()
    engine._note_cursor(None, cursor, "SELECT 1")
    engine.cancel()
    assert not cursor.cancelled
    engine._connection = Nowhere(lambda _sql: [])  # type: ignore[assignment]
    engine.cancel()
    assert cursor.cancelled


def with_(*arguments: Any, code: Any = None) -> Any:
    return model(
        "item",
        Column("id", Integer, primary_key=True),
        Column("code", String(9)) if code is None else code,
        arguments=arguments,
    )


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: with_(code=Column("code", Text, primary_key=True)),
        "the primary key holds code, which has no length",
    ),
    (lambda: with_(UniqueConstraint("code"), code=Column("code", Text)), "a unique constraint holds code"),
    (lambda: with_(Index("i", "code"), code=Column("code", Text)), "the index i holds code"),
    (lambda: with_(Index("i", func.upper(Column("code", String(9))))), "the index i is over an expression"),
    (
        lambda: with_(ForeignKeyConstraint(["code"], ["other.x"], deferrable=True)),
        "the foreign key of code is deferrable",
    ),
]


@pytest.mark.parametrize(("declared", "reason"), REFUSED, ids=[reason for _, reason in REFUSED])
def test_what_the_server_could_not_make_is_refused_by_name(declared: Callable[[], Any], reason: str) -> None:
    with pytest.raises(DeclarationError, match=f"shop.item: {reason}") as caught:
        OfflineEngine().refuse_names([declared().__table__])
    assert caught.value.hint


def test_a_key_of_text_with_a_length_is_taken() -> None:
    declared: Sequence[Any] = [with_(Index("i", Column("code", String(9)).desc())).__table__]
    OfflineEngine().refuse_names(declared)
