import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from sqlmodel_framework import Target, TerminalError, TransientError
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.engines.postgres.engine import PostgresEngine

Ask = Callable[..., list[tuple[object, ...]]]
AWKWARD = "p%40@/: 'ü\\\"?#%"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server that asks the user `guarded` for a password."""
    folder = tmp_path_factory.mktemp("scram")
    with embedded_postgres(folder, throwaway=True) as server:
        rules = folder / "database" / "pg_hba.conf"
        rules.write_text(f"local all guarded scram-sha-256\n{rules.read_text()}")
        engine = PostgresEngine(server)
        engine.write_rows("CREATE ROLE guarded LOGIN")
        engine.write_rows("SELECT pg_reload_conf()")
        yield server


def _as_guarded(server: Target, password: str) -> Target:
    return Target(server.url.set(username="guarded"), name="guarded", password=password)


def _set_password(server: Target, password: str) -> None:
    address = f"host={server.url.query['host']} user=postgres dbname=postgres"
    with (
        contextlib.closing(psycopg2.connect(address)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("ALTER ROLE guarded PASSWORD %s", (password,))


def test_a_password_with_awkward_characters_is_accepted_by_a_real_server(guarded: Target) -> None:
    _set_password(guarded, AWKWARD)
    assert PostgresEngine(_as_guarded(guarded, AWKWARD)).read_rows("SELECT current_user AS me") == [
        {"me": "guarded"}
    ]
    encoded = guarded.url.set(username="guarded", password=AWKWARD).render_as_string(hide_password=False)
    assert PostgresEngine(Target(encoded)).read_rows("SELECT 1 AS one") == [{"one": 1}]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    password=st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
    )
)
def test_any_password_is_accepted_by_a_real_server(guarded: Target, password: str) -> None:
    _set_password(guarded, password)
    assert PostgresEngine(_as_guarded(guarded, password)).read_rows("SELECT 1 AS one") == [{"one": 1}]


def test_a_wrong_password_is_one_line_that_does_not_tell_it(guarded: Target) -> None:
    _set_password(guarded, "right")
    with pytest.raises(TerminalError) as caught:
        PostgresEngine(_as_guarded(guarded, "wr0ng-s3cret")).read_rows("SELECT 1")
    error = caught.value
    assert error.message == 'target guarded: password authentication failed for user "guarded"'
    assert (error.exit_code, error.hint) == (64, "check the user and the password")
    assert "s3cret" not in repr(error)
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"database": "nowhere"}, 'target t: database "nowhere" does not exist'),
        ({"username": "nobody_here"}, 'target t: role "nobody_here" does not exist'),
    ],
)
def test_an_unknown_database_or_user_is_not_worth_a_retry(
    datakit_server: Target, change: dict[str, str], expected: str
) -> None:
    target = Target(datakit_server.url.set(**change), name="t")  # type: ignore[arg-type]
    with pytest.raises(TerminalError) as caught:
        PostgresEngine(target).read_rows("SELECT 1")
    assert caught.value.message == expected
    assert caught.value.exit_code == 64


def test_an_unreachable_server_is_worth_a_retry() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = URL.create("postgresql", "me", "s3cret", "127.0.0.1", free.getsockname()[1], "d")
        with pytest.raises(TransientError) as caught:
            PostgresEngine(Target(url, name="t")).read_rows("SELECT 1")
    assert caught.value.exit_code == 69
    assert caught.value.message.startswith("target t cannot be reached: ")
    assert "\n" not in caught.value.message
    assert "s3cret" not in str(caught.value)


def test_an_unknown_host_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="target t cannot be reached"):
        PostgresEngine(Target("postgresql://me@no-such-host.invalid/d", name="t")).read_rows("SELECT 1")
    nowhere = URL.create("postgresql", query={"host": str(tmp_path)})
    with pytest.raises(TransientError, match="target t cannot be reached"):
        PostgresEngine(Target(nowhere, name="t")).read_rows("SELECT 1")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT 1/0", 65),
        ("SELECT nonsense", 64),
        ("CREATE TABLE x (a int)", 64),
        ("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$", 69),
        ("DO $$ BEGIN RAISE EXCEPTION 'bye' USING ERRCODE = '57P01'; END $$", 69),
        ("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$", 69),
        ("DO $$ BEGIN RAISE EXCEPTION 'locked' USING ERRCODE = '55P03'; END $$", 75),
        ("DO $$ BEGIN RAISE EXCEPTION 'twice' USING ERRCODE = '23505'; END $$", 65),
        ("SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)", 69),
        ("SELECT pg_terminate_backend(pg_backend_pid())", 69),
    ],
)
def test_the_servers_state_decides_about_a_retry(database: Target, sql: str, code: int) -> None:
    with pytest.raises((TerminalError, TransientError)) as caught:
        PostgresEngine(database).read_rows(sql)
    assert caught.value.exit_code == code
    assert "\n" not in caught.value.message
