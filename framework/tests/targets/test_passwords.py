import contextlib
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from sqlmodel import Field
from sqlmodel_framework import BaseEngine, Datakit, DatakitError, ReferenceTableMixin, Target, deploy_datakit
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.targets.check import test_connection
from sqlmodel_framework.targets.settings import read_settings, resolve_target

PASSWORDS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30
)
NASTY = "p%40%@/:?#&= 'ü\\\"$(x)`!"


class Vault(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "vault"}
    code: str = Field(primary_key=True)


KIT = Datakit(name="vault", version="1", tables=(Vault,))


@given(password=PASSWORDS, user=PASSWORDS)
@example(password=NASTY, user="me")
@example(password="%41", user="%41")
def test_a_password_is_whole_by_whatever_way_it_comes(password: str, user: str) -> None:
    encoded = f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@h/d"
    made = URL.create("postgresql", user, password, "h", database="d")
    for given_url in (encoded, made, made.render_as_string(hide_password=False)):
        target = Target(given_url)
        assert (target.secret_url().username, target.secret_url().password) == (user, password)
        assert Target(target.secret_url()).secret_url() == target.secret_url()
    plain = URL.create("postgresql", user, host="h", database="d")
    assert Target(plain, password=password).secret_url().password == password
    assert Target(plain, password=lambda: password).secret_url().password == password


# A variable holds no zero byte and a file one line, whose end is not the password's.
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(password=PASSWORDS.filter(lambda text: not text.endswith(("\n", "\r")) and "\r" not in text))
@example(password=NASTY)
def test_a_password_is_whole_from_the_environment_and_from_a_file(
    password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "password").write_bytes(password.encode() + b"\n")
    (tmp_path / "datakit.toml").write_text(
        '[targets.a]\nurl = "postgresql://me@h/d"\npassword_file = "password"\n'
        '[targets.b]\nurl = "postgresql://me@h/d"\npassword_env = "VAULT_PASSWORD"\n'
        '[targets.c]\nurl = "postgresql://elsewhere/d"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VAULT_PASSWORD", password)
    monkeypatch.setenv("DATAKIT_TARGETS__C__URL", f"postgresql://me:{quote(password, safe='')}@h/d")
    for name in ("a", "b", "c"):
        assert resolve_target(name).secret_url() == URL.create(
            "postgresql+psycopg2", "me", password, "h", database="d"
        )
    shown = f"{read_settings()!r} {read_settings()} {[resolve_target(name) for name in 'abc']}"
    assert f"<{password}>" not in shown
    assert "VAULT_PASSWORD" in shown


@given(password=PASSWORDS, before=st.text(max_size=10), after=st.text(max_size=10))
def test_every_way_of_writing_a_password_is_masked(password: str, before: str, after: str) -> None:
    target = Target("postgresql://me@h/d", password=f"<{password}>")
    written = target.secret_url().render_as_string(hide_password=False)
    for text in (f"<{password}>", quote(f"<{password}>", safe=""), repr(f"<{password}>")[1:-1], written):
        masked = target.mask(f"{before}{text}{after}")
        assert text not in masked
        assert "***" in masked


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hush-hush@h/d",
        "postgresql://me@h/d?password=hush-hush",
        "postgresql://me@h/d?sslpassword=hush-hush",
        URL.create("postgresql", "me", "hush-hush", "h"),
        URL.create("postgresql", "me", query={"password": "hush-hush"}),
    ],
)
def test_no_public_attribute_of_a_target_tells_the_password(url: str | URL) -> None:
    target = Target(url)
    told = [repr(target), str(target), target.name, target.place, target.dialect, str(target.options)]
    told += [repr(target.url), str(target.url), target.url.render_as_string(hide_password=False)]
    assert [text for text in told if "hush" in text] == []


def test_a_password_among_the_options_is_not_told() -> None:
    assert "hush" not in repr(Target("postgresql://h/d", options={"password": "hush-hush"}))


def test_a_password_among_a_targets_options_in_the_file_is_refused_or_hidden(tmp_path: Path) -> None:
    (tmp_path / "datakit.toml").write_text(
        '[targets.a]\nurl = "postgresql://h/d"\n[targets.a.options]\npassword = "hush-hush"\n'
    )
    try:
        shown = repr(read_settings(tmp_path))
    except DatakitError as error:
        shown = f"{error} {error.hint}"
    assert "hush" not in shown


def everything_told(error: BaseException) -> str:
    chain = "".join(traceback.format_exception(error))
    return f"{error!r} {error} {error.args} {getattr(error, 'hint', '')} {chain}"


# Bytes that are not UTF-8 in a variable reach Python as lone surrogates.
@pytest.mark.parametrize("password", ["hush\udcff-hush", "hush\0-hush"], ids=["surrogate", "zero"])
def test_a_password_that_no_driver_can_send_is_one_line_without_it(password: str) -> None:
    with pytest.raises(DatakitError) as caught:
        deploy_datakit(KIT, Target("postgresql://me@127.0.0.1:1/d", name="t", password=password))
    assert "hush" not in everything_told(caught.value)
    assert "target t" in caught.value.message


def test_a_callable_that_cannot_give_the_password_is_named_with_its_target() -> None:
    def vault_is_down() -> str:
        raise ConnectionRefusedError("vault is down")

    with pytest.raises(DatakitError, match="target t.*vault is down"):
        deploy_datakit(KIT, Target("postgresql://me@127.0.0.1:1/d", name="t", password=vault_is_down))


# From here on: a real server that asks for passwords by SCRAM.


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server on which `keeper` needs the password NASTY, and may create schemas."""
    folder = tmp_path_factory.mktemp("strict")
    with embedded_postgres(folder, throwaway=True) as server:
        rules = folder / "database" / "pg_hba.conf"
        rules.write_text(f"local all keeper scram-sha-256\n{rules.read_text()}")
        dsn = f"host={server.url.query['host']} user={server.url.username} dbname=postgres"
        with (
            contextlib.closing(psycopg2.connect(dsn)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SHOW password_encryption")
            assert cursor.fetchone() == ("scram-sha-256",)
            cursor.execute("CREATE ROLE keeper LOGIN PASSWORD %s", (NASTY,))
            cursor.execute("GRANT CREATE ON DATABASE postgres TO keeper")
            cursor.execute("SELECT pg_reload_conf()")
        keyless = Target(server.url.set(username="keeper"))
        deadline = time.monotonic() + 60
        # The rules are read some time after that, and until then nobody is asked for a password.
        while test_connection(keyless).error is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield server


def as_text(server: Target, folder: Path) -> Target:
    query = f"host={quote(server.url.query['host'], safe='')}&port=5432"  # type: ignore[arg-type]
    return Target(f"postgresql://keeper:{quote(NASTY, safe='')}@/postgres?{query}")


def as_text_that_nobody_encoded(server: Target, folder: Path) -> Target:
    query = f"host={quote(server.url.query['host'], safe='')}&port=5432"  # type: ignore[arg-type]
    # With %40 in it a text has two readings; encoded is the one that counts.
    return Target(f"postgresql://keeper:{NASTY.replace('%40', '%2540')}@/postgres?{query}")


def as_sqlalchemys_url(server: Target, folder: Path) -> Target:
    return Target(URL.create("postgresql", "keeper", NASTY, database="postgres", query=server.url.query))


def in_an_argument(server: Target, folder: Path) -> Target:
    return Target(server.url.set(username="keeper"), password=NASTY)


def in_a_callable(server: Target, folder: Path) -> Target:
    return Target(server.url.set(username="keeper"), password=lambda: NASTY)


def in_the_environment(server: Target, folder: Path) -> Target:
    return Target(server.url.set(username="keeper"), password_env="KEEPER_PASSWORD")


def in_a_file(server: Target, folder: Path) -> Target:
    (folder / "password").write_text(NASTY + "\n")
    return Target(server.url.set(username="keeper"), password_file=folder / "password")


def in_datakit_toml(server: Target, folder: Path) -> Target:
    url = server.url.set(username="keeper").render_as_string()
    (folder / "datakit.toml").write_text(f"[targets.t]\nurl = '{url}'\npassword_env = 'KEEPER_PASSWORD'\n")
    return read_settings(folder).find("t")


WAYS = (
    as_text,
    as_text_that_nobody_encoded,
    as_sqlalchemys_url,
    in_an_argument,
    in_a_callable,
    in_the_environment,
    in_a_file,
    in_datakit_toml,
)


@pytest.mark.parametrize("way", WAYS)
def test_a_nasty_password_opens_a_real_server_by_every_way(
    strict: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Callable[[Target, Path], Target]
) -> None:
    monkeypatch.setenv("KEEPER_PASSWORD", NASTY)
    result = test_connection(way(strict, tmp_path))
    assert result.error is None
    assert (result.value or "").startswith("postgresql ")


def test_a_datakit_is_deployed_by_a_user_with_a_nasty_password(strict: Target, tmp_path: Path) -> None:
    keeper = as_text(strict, tmp_path)
    assert deploy_datakit(KIT, keeper).created_tables == ("vault.vault",)
    assert not deploy_datakit(KIT, keeper).changed


@pytest.mark.parametrize("engine", [None, BaseEngine])
@pytest.mark.parametrize("wrong", ["s3cr3t", NASTY + "s3cr3t", "s3cr3t%40@/: ü"])
def test_a_wrong_password_is_told_by_no_part_of_the_error(
    strict: Target, wrong: str, engine: type[BaseEngine] | None
) -> None:
    target = Target(strict.url.set(username="keeper"), name="t", password=wrong)
    with pytest.raises(DatakitError, match="password authentication failed") as caught:
        deploy_datakit(KIT, target, engine=engine)
    told = everything_told(caught.value)
    assert "s3cr3t" not in told
    assert NASTY not in told
    assert "\n" not in caught.value.message


def test_no_password_at_all_is_one_clear_line(strict: Target) -> None:
    with pytest.raises(DatakitError, match="target t: .*no password supplied") as caught:
        deploy_datakit(KIT, Target(strict.url.set(username="keeper"), name="t"))
    assert caught.value.exit_code == 64


@settings(max_examples=10)
@given(password=PASSWORDS.map(lambda text: f"<{text}>"))
def test_an_unreachable_server_tells_no_password(password: str) -> None:
    target = Target(URL.create("postgresql", "me", password, "127.0.0.1", 1, "d"), name="t")
    with pytest.raises(DatakitError, match="target t cannot be reached") as caught:
        deploy_datakit(KIT, target)
    assert caught.value.exit_code == 69
    told = f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert password not in told
    assert quote(password, safe="") not in told
