"""A real driver, FreeTDS, against a server that speaks its protocol: what is sent, and what comes back."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kit.tds_server import Answer, Failure, Rows, Silence, TdsServer, about_itself
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import LockedError, TargetError, TerminalError, UnavailableError
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.targets.target import Target
from sqlserver_runner.connection import open_connection
from sqlserver_runner.reading import stream

PASSWORD = "hush-ä;}{=' hush"
QUERY = "FROM goods"

# SQL Server's types with values as they are on the wire, and the text that they have to become.
VALUES: list[tuple[str, Any, str]] = [
    ("bit", True, "true"),
    ("tinyint", 255, "255"),
    ("smallint", -3, "-3"),
    ("int", 7, "7"),
    ("bigint", -(2**63), "-9223372036854775808"),
    ("real", 0.1, "0.1"),
    ("float", 0.1, "0.1"),
    ("float", 1e20, "1e+20"),
    ("money", -12345, "-1.2345"),
    ("decimal(38,10)", (True, 12345678901234567890), "-1234567890.1234567890"),
    ("decimal(38,10)", (False, 10**38 - 1), "9999999999999999999999999999.9999999999"),
    ("datetime", (45000, 300 * 3600 + 1), "2023-03-17 01:00:00.003"),
    ("datetime", (-53690, 2), "1753-01-01 00:00:00.007"),
    ("smalldatetime", (45000, 61), "2023-03-17 01:01:00"),
    ("date", 738000, "2021-07-30"),
    ("time(7)", (1234567,), "00:00:00.1234567"),
    ("time(7)", (36_000_000_000,), "01:00:00"),
    ("datetime2(7)", (1_234_567, 738000), "2021-07-30 00:00:00.1234567"),
    ("datetime2(7)", (0, 0), "0001-01-01 00:00:00"),
    ("datetimeoffset(7)", (3 * 36_000_000_000, 738000, 330), "2021-07-30 03:00:00+00"),
    ("datetimeoffset(7)", (3 * 36_000_000_000 + 7, 738000, -330), "2021-07-30 03:00:00.0000007+00"),
    ("uniqueidentifier", bytes(range(16)), "03020100-0504-0706-0809-0a0b0c0d0e0f"),
    ("char(5)", "ab   ", "ab"),
    ("varchar(20)", "é  ", "é  "),
    ("varchar(20)", "", ""),
    ("nchar(5)", "äb   ", "äb"),
    ("nvarchar(128)", "x'\",\n", "x'\",\n"),
    ("nvarchar(max)", "€" * 5000 + "😀", "€" * 5000 + "😀"),
    ("varbinary(20)", b"\0\xff", "\\x00ff"),
    ("varbinary(max)", b"z" * 9000, "\\x" + "7a" * 9000),
    ("timestamp", bytes(7) + b"\1", "\\x0000000000000001"),
]


def answering(
    query: Answer | Callable[[], Answer] = None,
    types: Sequence[str] = (),
    *,
    snapshots: bool = True,
) -> Callable[[str], Answer]:
    """A server's answers: about itself, and to the query of an extraction."""

    def answer(sql: str) -> Answer:
        own = about_itself(sql, types, snapshots=snapshots)
        if own is None and QUERY in sql:
            return query() if callable(query) else query
        return own

    return answer


def target(server: TdsServer, host: str = "localhost", **options: str) -> Target:
    url = f"mssql://reader@{host}:{server.port}/sales"
    return Target(url, name="erp", password=PASSWORD, options=options, connect_timeout=5)


@pytest.fixture
def serve(certificate: Path) -> Iterator[Callable[..., TdsServer]]:
    servers: list[TdsServer] = []

    def start(*, encrypts: bool = True, **settings: Any) -> TdsServer:
        servers.append(TdsServer(certificate=str(certificate) if encrypts else None, **settings))
        return servers[-1]

    yield start
    for server in servers:
        with suppress(OSError):
            server.close()


Serve = Callable[..., TdsServer]


def never_sent(server: TdsServer, password: str = PASSWORD) -> bool:
    written = [password.encode(), password.encode("utf-16-le")]
    return not any(text in bytes(server.seen.content) + server.seen.obscured for text in written)


def test_a_password_is_not_sent_to_a_server_that_does_not_encrypt(serve: Serve) -> None:
    server = serve(encrypts=False)
    with pytest.raises(TargetError, match="the server does not encrypt") as caught:
        open_connection(target(server))
    assert "encrypt=no" in (caught.value.hint or "")
    assert server.seen.content
    assert server.seen.logins == []
    assert never_sent(server)


def test_only_encrypt_no_sends_it_in_the_clear(serve: Serve) -> None:
    server = serve(encrypts=False, answer=answering())
    open_connection(target(server, encrypt="no")).close()
    (login,) = server.seen.logins
    assert (login.user, login.password, login.database) == ("reader", PASSWORD, "sales")
    assert not never_sent(server)


def test_a_certificate_that_nobody_vouches_for_is_refused_with_the_reason(serve: Serve) -> None:
    server = serve()
    with pytest.raises(TargetError, match="not trusted: self-signed certificate") as caught:
        open_connection(target(server))
    assert "ca_file" in (caught.value.hint or "")
    assert server.seen.logins == []


def test_a_certificate_of_another_host_is_refused_with_the_reason(serve: Serve, certificate: Path) -> None:
    server = serve()
    with pytest.raises(TargetError, match=r"not valid for '127\.0\.0\.1'"):
        open_connection(target(server, "127.0.0.1", ca_file=str(certificate)))
    assert server.seen.logins == []


def test_a_file_of_authorities_that_is_none_is_said(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(TargetError, match="holds no certificate"):
        open_connection(target(serve(), ca_file=str(tmp_path / "ca.pem")))


def test_a_certificate_that_is_vouched_for_is_enough(serve: Serve, certificate: Path) -> None:
    server = serve(answer=answering())
    open_connection(target(server, ca_file=str(certificate), application_intent="ReadOnly")).close()
    (login,) = server.seen.logins
    assert login.encrypted
    assert login.read_only
    assert (login.user, login.password, login.application) == ("reader", PASSWORD, "datakit")
    assert never_sent(server)


def test_a_file_of_authorities_may_have_any_name(serve: Serve, certificate: Path, tmp_path: Path) -> None:
    file = tmp_path / ("a" * 100) / ("b; # '" * 30)
    file.parent.mkdir()
    file.write_text(certificate.read_text())
    open_connection(target(serve(answer=answering()), ca_file=str(file))).close()


def test_a_server_is_trusted_unseen_only_where_that_is_asked_for(serve: Serve) -> None:
    server = serve(answer=answering())
    open_connection(target(server, "127.0.0.1", trust_server_certificate="yes")).close()
    assert [login.encrypted for login in server.seen.logins] == [True]
    assert never_sent(server)


@pytest.mark.parametrize("password", ["a}", "{a}", "}}", "a;PWD=b", " a ", "=", "'\"\\", "пароль", "a{;}b"])
def test_a_password_arrives_as_it_is(serve: Serve, password: str) -> None:
    server = serve(encrypts=False, answer=answering())
    url = f"mssql://reader@localhost:{server.port}/sales?encrypt=no"
    open_connection(Target(url, password=password)).close()
    assert [login.password for login in server.seen.logins] == [password]


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (Failure(18456, "Login failed for user 'reader'."), "Login failed for user 'reader'."),
        (Failure(4060, 'Cannot open database "sales" requested by the login.'), "Cannot open database"),
    ],
)
def test_a_refusal_is_not_worth_a_retry(serve: Serve, refusal: Failure, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        open_connection(target(serve(refusal=refusal), trust_server_certificate="yes"))


def test_nobody_there_is_worth_a_retry(serve: Serve) -> None:
    server = serve()
    server.close()
    with pytest.raises(UnavailableError, match=f"nobody answers at localhost:{server.port}"):
        open_connection(target(server))


def test_a_server_that_says_nothing_is_given_up_in_time(serve: Serve) -> None:
    release = threading.Event()
    server = serve(answer=lambda _: release.wait(120) and None)
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        open_connection(target(server, trust_server_certificate="yes", login_timeout="2"))
    assert time.monotonic() - started < 60
    release.set()


def test_no_password_is_said() -> None:
    with pytest.raises(TargetError, match="no password is given"):
        open_connection(Target("mssql://reader@localhost:1/sales"))


def test_the_engine_connects(serve: Serve) -> None:
    server = serve(answer=answering())
    with engine_for(target(server, trust_server_certificate="yes")).connect():
        pass
    assert server.seen.logins


@pytest.mark.parametrize(
    ("options", "allowed", "level"),
    [
        ({}, True, "SNAPSHOT"),
        ({}, False, "READ COMMITTED"),
        ({"isolation": "read_committed"}, True, "READ COMMITTED"),
        ({"isolation": "snapshot"}, False, "SNAPSHOT"),
    ],
)
def test_rows_are_of_one_moment_where_the_database_allows_it(
    serve: Serve, options: dict[str, str], allowed: bool, level: str
) -> None:
    server = serve(answer=answering(snapshots=allowed))
    open_connection(target(server, trust_server_certificate="yes", **options)).close()
    assert f"SET TRANSACTION ISOLATION LEVEL {level}" in server.seen.batches
    (session,) = (batch for batch in server.seen.batches if "SET DATEFORMAT ymd" in batch)
    assert "SET LOCK_TIMEOUT 10000" in session


def rows_of(server: TdsServer, columns: Sequence[str]) -> list[list[str]]:
    source = target(server, trust_server_certificate="yes")
    with stream(source, Extraction(table="goods", columns=tuple(columns))) as file:
        return list(csv.reader(io.TextIOWrapper(file, "utf-8", newline="")))


def test_every_type_becomes_postgresqls_text(serve: Serve) -> None:
    names = [f"c{number}" for number in range(len(VALUES))]
    types = [kind for kind, _, _ in VALUES]
    table = Rows(
        list(zip(names, types, strict=True)), [[value for _, value, _ in VALUES], [None] * len(VALUES)]
    )
    header, full, empty = rows_of(serve(answer=answering(table, types)), names)
    assert header == names
    assert dict(zip(zip(names, types, strict=True), full, strict=True)) == {
        (name, kind): text for name, (kind, _, text) in zip(names, VALUES, strict=True)
    }
    assert empty == [""] * len(VALUES)


def test_a_null_is_no_empty_text(serve: Serve) -> None:
    table = Rows([("a", "varchar(20)"), ("b", "varchar(20)")], [["", None]])
    source = target(serve(answer=answering(table)), trust_server_certificate="yes")
    with stream(source, Extraction(table="goods", columns=("a", "b"))) as file:
        assert file.read() == b'"a","b"\n"",\n'


def test_the_query_is_that_of_the_extraction(serve: Serve) -> None:
    server = serve(answer=answering(Rows([("a", "int")])))
    extraction = Extraction(table="goods", columns=("we]ird", "per%cent", "a?b", "it's"))
    with stream(target(server, trust_server_certificate="yes"), extraction) as file:
        assert file.read() == b'"we]ird","per%cent","a?b","it\'s"\n'
    assert server.seen.batches[-1] == extraction.sql("mssql")
    assert "[we]]ird], [per%cent], [a?b], [it's]" in server.seen.batches[-1]


def test_more_rows_than_fit_in_memory_flow(serve: Serve) -> None:
    def many() -> Rows:
        return Rows([("a", "int"), ("b", "varchar(20)")], ([number, "x" * 20] for number in range(50_000)))

    source = target(serve(answer=answering(many)), trust_server_certificate="yes")
    with stream(source, Extraction(table="goods", columns=("a", "b"))) as file:
        lines = sum(1 for _ in file)
    assert lines == 50_001


def test_a_failure_after_some_rows_never_passes_for_the_end(serve: Serve) -> None:
    def broken() -> Rows:
        def rows() -> Iterator[list[int]]:
            for number in range(5000):
                yield [number]
            raise OSError("pulled out")

        return Rows([("a", "int")], rows())

    source = target(serve(answer=answering(broken)), trust_server_certificate="yes")
    with (
        stream(source, Extraction(table="goods", columns=("a",))) as file,
        pytest.raises(UnavailableError, match="connection was lost"),
    ):
        file.read()


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        (Failure(208, "Invalid object name 'goods'."), TerminalError, "no such table"),
        (Failure(207, "Invalid column name 'a'."), TerminalError, "no such column"),
        (Failure(229, "The SELECT permission was denied on the object 'goods'."), TargetError, "SELECT"),
        (Failure(1205, "Transaction was deadlocked. Rerun the transaction."), UnavailableError, "deadlocked"),
        (Failure(1222, "Lock request time out period exceeded."), LockedError, "lock"),
    ],
)
def test_what_the_server_refuses_is_named(
    serve: Serve, failure: Failure, kind: type[Exception], words: str
) -> None:
    source = target(serve(answer=answering(failure)), trust_server_certificate="yes")
    with (
        stream(source, Extraction(table="goods", columns=("a",))) as file,
        pytest.raises(kind, match=words),
    ):
        file.read()


def test_closing_early_cancels_a_query_that_has_not_answered_yet(serve: Serve) -> None:
    asked = threading.Event()

    def waiting() -> Answer:
        asked.set()
        return Silence()

    server = serve(answer=answering(waiting))
    file = stream(target(server, trust_server_certificate="yes"), Extraction(table="goods", columns=("a",)))
    assert asked.wait(60)
    started = time.monotonic()
    file.close()
    assert time.monotonic() - started < 30
    assert server.seen.attentions  # FreeTDS sends one of its own as well
