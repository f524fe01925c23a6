"""The framework's own engine by a real driver, FreeTDS, against a server that speaks its protocol."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kit.tds_server import Answer, Failure, Rows, TdsServer, about_itself
from sqlmodel_framework.engines.sqlserver.engine import SqlServerEngine
from sqlmodel_framework.errors import (
    DatakitError,
    LockedError,
    TargetError,
    UnavailableError,
    UnsupportedVersionError,
)
from sqlmodel_framework.schema.change import Phase, Step
from sqlmodel_framework.schema.snapshot import Scope, Snapshot
from sqlmodel_framework.targets.target import Target

PASSWORD = "hush-ä}{=' hush"


def answering(taken: int = 0, statement: Answer = None, open_: int = 1) -> Callable[[str], Answer]:
    """A server's answers: about itself, to the wait for a lock, and to statements of a plan."""

    def answer(sql: str) -> Answer:
        if "sp_getapplock" in sql:
            return Rows([("taken", "int")], [[taken]])
        if "@@TRANCOUNT" in sql:
            return Rows([("open", "int")], [[open_]])
        if sql.startswith("CREATE TABLE"):
            return statement
        # A catalog that holds nothing.
        return about_itself(sql) or (Rows([("name", "int")]) if "FROM sys." in sql else None)

    return answer


def engine(server: TdsServer, **options: str) -> SqlServerEngine:
    target = Target(
        f"mssql://deployer@localhost:{server.port}/shop",
        name="shop",
        password=PASSWORD,
        options={"driver": "FreeTDS", "trust_server_certificate": "yes", **options},
    )
    return SqlServerEngine(target)


def test_it_connects_encrypted_and_holds_its_lock(certificate: Path) -> None:
    with TdsServer(certificate=str(certificate), answer=answering()) as server:
        used = engine(server)
        with used.connect(), used.locked("deploy"), used.transaction():
            assert used.read_snapshot(Scope(frozenset({"shop"}))) == Snapshot()
            used.execute_steps([Step("CREATE TABLE t (a int)", Phase.TABLES)])
    (login,) = server.seen.logins
    assert (login.user, login.password, login.database) == ("deployer", PASSWORD, "shop")
    assert login.encrypted
    assert PASSWORD.encode("utf-16-le") not in server.seen.obscured
    ours = [sql for sql in server.seen.batches if "XACT_ABORT" in sql or "applock" in sql or "CREATE" in sql]
    assert [sql.split()[0] for sql in ours] == ["SET", "DECLARE", "CREATE", "EXEC"]


def test_a_lock_that_somebody_holds_is_told() -> None:
    with TdsServer(answer=answering(taken=-1)) as server:
        used = engine(server, encrypt="no")
        with pytest.raises(LockedError), used.connect(), used.locked("deploy"):
            raise AssertionError


@pytest.mark.parametrize(
    ("failure", "kind"),
    [(Failure(1205, "Deadlock."), UnavailableError), (Failure(229, "Denied."), TargetError)],
)
def test_what_a_statement_fails_with_is_told(failure: Failure, kind: type[DatakitError]) -> None:
    with TdsServer(answer=answering(statement=failure)) as server:
        used = engine(server, encrypt="no")
        with pytest.raises(kind, match=f"target shop: {failure.text}"), used.connect(), used.transaction():
            used.execute_steps([Step("CREATE TABLE t (a int)", Phase.TABLES)])


def test_a_refused_login_is_no_reason_to_try_again() -> None:
    with TdsServer(refusal=Failure(18456, "Login failed.")) as server:
        used = engine(server, encrypt="no")
        with pytest.raises(TargetError, match="Login failed") as caught, used.connect():
            raise AssertionError
    assert caught.value.hint == "check the user and the password"


def test_an_older_server_is_refused() -> None:
    def old(sql: str) -> Answer:
        if "EngineEdition" in sql:
            return Rows([("edition", "int")], [[3]])
        if "ProductVersion" in sql:
            return Rows([("", "nvarchar(128)")], [["13.0.4001.0"]])
        return answering()(sql)

    with TdsServer(answer=old) as server:
        used = engine(server, encrypt="no")
        with pytest.raises(UnsupportedVersionError, match="the oldest that is, is 14"), used.connect():
            raise AssertionError
