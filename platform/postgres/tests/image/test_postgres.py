"""The PostgreSQL image as its users know it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from datakit_testing import ContainerError, Containers, Database, NotReadyError, wait_until
from datakit_testing.databases import start_postgres

DATA = "/var/lib/postgresql/data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that the image's user can read."""
    for path in (tmp_path, tmp_path.parent):
        path.chmod(0o755)
    return tmp_path


@pytest.fixture
def started(containers: Containers) -> Iterator[None]:
    """Removes the containers that a test started."""
    before = len(containers.started)
    yield
    for container in containers.started[before:]:
        container.remove()


def test_the_first_query(postgres: Database) -> None:
    assert postgres.query("SELECT 1") == [(1,)]
    assert postgres.query("SELECT current_setting('server_version_num')::int / 10000") == [(15,)]
    assert postgres.query("SELECT current_user, current_database()") == [("datakit", "datakit")]


def test_text_is_utf8_whatever_the_machine(postgres: Database) -> None:
    sql = "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = 'datakit'"
    assert postgres.query(sql) == [("UTF8", "C.UTF-8")]
    assert postgres.query("SELECT lower('ÄÖ')") == [("äö",)]


def test_a_new_database_on_the_same_server_is_empty(postgres: Database) -> None:
    postgres.query("CREATE TABLE IF NOT EXISTS here (x int)")
    other = postgres.another()
    assert other.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_other_containers_find_it_by_its_name_and_need_the_password(
    containers: Containers, postgres: Database
) -> None:
    url = postgres.inside_url.replace("+psycopg2", "")
    ended = containers.run(
        "postgres", "psql", "--tuples-only", "--no-align", "--command=SELECT 42", env={"U": url}
    )
    assert ended.exit_code != 0, "no server runs in there"
    environment = {
        "PGHOST": postgres.inside_host,
        "PGUSER": postgres.user,
        "PGDATABASE": postgres.name,
        "PGPASSWORD": postgres.password,
    }
    command = ["psql", "--no-password", "--tuples-only", "--no-align", "--command=SELECT 42"]
    assert containers.run("postgres", *command, env=environment).stdout == "42\n"
    ended = containers.run("postgres", *command, env={**environment, "PGPASSWORD": "wrong"})
    assert ended.exit_code == 2
    assert "password authentication failed" in ended.stderr


def test_a_wrong_password_is_refused(postgres: Database) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        postgres.connect(password="wrong")
    with pytest.raises(
        psycopg2.OperationalError, match="no password supplied|password authentication failed"
    ):
        postgres.connect(password="")


def test_the_password_is_in_no_log_and_no_argv(postgres: Database) -> None:
    assert postgres.password not in postgres.container.logs()
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert any(b"postgres_server" in line for line in command_lines)
    assert not any(postgres.password.encode() in line for line in command_lines)


@pytest.mark.usefixtures("started")
def test_all_statements_in_the_log_and_still_no_password(containers: Containers) -> None:
    database = start_postgres(containers, "postgres", "-c", "log_statement=all", name="talking")
    logs = database.container.logs()
    assert "SELECT 1" in logs
    assert database.password not in logs


def test_health(postgres: Database) -> None:
    assert postgres.container.exec("healthcheck").exit_code == 0
    assert postgres.container.exec("python", "-m", "postgres_server", "healthcheck").exit_code == 0


def test_it_is_nobody_and_has_no_capabilities(postgres: Database) -> None:
    code = "import os; print(os.getuid(), *(l.split()[1] for l in open('/proc/1/status') if 'CapEff' in l))"
    assert postgres.container.exec("python", "-c", code).stdout == f"10001 {0:016x}\n"


@pytest.mark.usefixtures("started")
def test_password_and_init_scripts_from_files(containers: Containers, folder: Path) -> None:
    secret = folder / "password"
    secret.write_text("from a 'file'\n")
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "1.sql").write_text("CREATE TABLE loaded (x int);\nINSERT INTO loaded VALUES (1);\n")
    (scripts / "2.sql.gz").write_bytes(gzip.compress(b"INSERT INTO loaded SELECT x + 1 FROM loaded;"))
    (scripts / "3.txt").write_text("nothing to run")
    container = containers.start(
        "postgres",
        name="files",
        env={
            "POSTGRES_USER": "an owner",
            "POSTGRES_DB": 'a "name" $(x)',
            "POSTGRES_PASSWORD_FILE": "/run/secrets/password",
        },
        mounts={"/run/secrets/password": secret, "/docker-entrypoint-initdb.d": scripts},
        volumes={DATA: "files"},
        ports=[5432],
    )
    host, port = container.address(5432)
    database = Database(
        "postgres", container, host, port, "an owner", "from a 'file'", 'a "name" $(x)'
    ).wait()
    assert database.query("SELECT x FROM loaded ORDER BY x") == [(1,), (2,)]
    assert "/docker-entrypoint-initdb.d/3.txt" in container.logs()
    container.stop(seconds=30)
    container.start_again()
    assert database.again().query("SELECT count(*) FROM loaded") == [(2,)], "scripts run once"


@pytest.mark.usefixtures("started")
def test_sigterm_ends_it_in_good_order_and_a_restart_keeps_the_data(containers: Containers) -> None:
    database = start_postgres(containers, "postgres", "-c", "log_checkpoints=on", name="kept", volume="kept")
    database.query("CREATE TABLE kept AS SELECT 1 AS x")
    idle = database.connect()
    assert database.container.stop(seconds=30) == 0, "although a client is connected"
    idle.close()
    logs = database.container.logs()
    assert "received fast shutdown request" in logs
    assert "database system is shut down" in logs
    database.container.start_again()
    again = database.again()
    assert again.query("SELECT x FROM kept") == [(1,)]
    assert "not properly shut down" not in again.container.logs()
    again.container.stop(seconds=30)
    again.container.remove()
    # Another container on the same volume needs no settings: the database is there.
    other = containers.start("postgres", name="other", volumes={DATA: "kept"}, ports=[5432])
    host, port = other.address(5432)
    found = Database("postgres", other, host, port, database.user, database.password, database.name).wait()
    assert found.query("SELECT x FROM kept") == [(1,)]


@pytest.mark.usefixtures("started")
def test_killed_while_it_is_made_it_is_made_again(containers: Containers, folder: Path) -> None:
    (folder / "slow.sql").write_text("CREATE TABLE half (x int);\nSELECT pg_sleep(600);\n")
    script = folder / "slow.sql"
    volumes, ports, env = {DATA: "half"}, [5432], {"POSTGRES_PASSWORD": "p"}
    mounts = {"/docker-entrypoint-initdb.d/slow.sql": script}
    first = containers.start("postgres", mounts=mounts, volumes=volumes, env=env)
    running = "running /docker-entrypoint-initdb.d/slow.sql"
    wait_until("the script runs", lambda: running in first.logs(), seconds=60)
    first.signal("KILL")
    first.wait()
    second = containers.start("postgres", volumes=volumes, env=env, ports=ports)
    host, port = second.address(5432)
    database = Database("postgres", second, host, port, "postgres", "p", "postgres").wait()
    assert database.query("SELECT to_regclass('half')") == [(None,)]
    assert "did not finish making the database" in second.logs()


@pytest.mark.usefixtures("started")
def test_sigterm_while_it_is_made_ends_it(containers: Containers, folder: Path) -> None:
    (folder / "slow.sql").write_text("SELECT pg_sleep(600);\n")
    mounts, env = {"/docker-entrypoint-initdb.d": folder}, {"POSTGRES_PASSWORD": "p"}
    container = containers.start("postgres", mounts=mounts, volumes={DATA: "ended"}, env=env)
    wait_until("the script runs", lambda: "running " in container.logs(), seconds=60)
    assert container.exec("healthcheck").exit_code == 1, "it is not ready yet"
    assert container.stop(seconds=30) == 143


@pytest.mark.usefixtures("started")
def test_a_script_that_fails_is_named_and_nothing_is_served(containers: Containers, folder: Path) -> None:
    (folder / "bad.sql").write_text("SELECT 1;\nSELECT nonsense;\nSELECT 2;\n")
    ended = containers.run(
        "postgres",
        mounts={"/docker-entrypoint-initdb.d": folder},
        volumes={DATA: "bad"},
        env={"POSTGRES_PASSWORD": "p"},
    )
    assert ended.exit_code == 1
    assert 'column "nonsense" does not exist' in ended.stderr
    assert "/docker-entrypoint-initdb.d/bad.sql failed" in ended.stderr


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({}, "set POSTGRES_PASSWORD, or POSTGRES_PASSWORD_FILE"),
        (
            {"POSTGRES_PASSWORD_FILE": "/none"},
            "POSTGRES_PASSWORD_FILE names /none, which cannot be read: No such file",
        ),
        ({"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"}, "are both set"),
    ],
)
def test_wrong_settings_are_usage_errors(containers: Containers, env: dict[str, str], message: str) -> None:
    ended = containers.run("postgres", env=env, volumes={DATA: "unused"})
    assert ended.exit_code == 64
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_volume_on_read_only_files_it_says_what_is_needed(containers: Containers) -> None:
    image = containers.images["postgres"]
    assert image.config["Volumes"] == {DATA: {}}
    ended = containers.run("postgres", env={"POSTGRES_PASSWORD": "p", "PGDATA": "/srv/data"})
    assert ended.exit_code == 64
    assert re.search(
        r"/srv cannot be written \(.*\) by user 10001: the database needs a volume", ended.stderr
    )


@pytest.mark.usefixtures("started")
def test_a_server_that_cannot_start_says_why(containers: Containers) -> None:
    with pytest.raises(
        NotReadyError, match=r'(?s)not any more after .*unrecognized configuration parameter "no_such"'
    ):
        start_postgres(containers, "postgres", "-c", "no_such=1", name="wrong")


def test_there_is_no_shell_but_the_one_that_the_server_needs(containers: Containers) -> None:
    code = "import os; print([p for p in os.listdir('/usr/bin') if p in ('bash', 'dash', 'perl', 'apt')])"
    assert containers.run("postgres", "python", "-c", code).stdout == "['dash']\n"
    with pytest.raises(ContainerError):
        containers.start("postgres", entrypoint="/bin/bash")
