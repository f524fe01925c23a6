"""The MariaDB image as its users know it."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest
from datakit_testing import Container, ContainerError, Containers, Database, NotReadyError, wait_until
from datakit_testing.databases import start_mariadb

DATA = "/var/lib/mysql"
ROOT = {"MARIADB_ROOT_PASSWORD": "r"}


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


def as_root(container: Container, sql: str) -> str:
    """What the administrator sees, who needs no password inside of the container."""
    ended = container.exec("mariadb", "--batch", "--skip-column-names", "--execute", sql)
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout


def test_the_first_query(mariadb: Database) -> None:
    assert mariadb.query("SELECT 1") == [(1,)]
    ((version, user, database),) = mariadb.query("SELECT version(), current_user(), database()")
    assert (str(version)[:5], user, database) == ("10.11", "datakit@%", "datakit")


def test_text_is_utf8_whatever_the_machine(mariadb: Database) -> None:
    assert mariadb.query("SELECT @@character_set_server, @@character_set_database") == [
        ("utf8mb4", "utf8mb4")
    ]


def test_a_new_database_on_the_same_server_is_empty_and_can_be_written(mariadb: Database) -> None:
    mariadb.query("CREATE TABLE IF NOT EXISTS here (x int)")
    other = mariadb.another()
    assert other.query("SHOW TABLES") == []
    other.query("CREATE TABLE there (x int)")
    assert other.query("SHOW TABLES") == [("there",)]


def test_the_user_has_rights_on_its_database_alone(mariadb: Database) -> None:
    assert {("mysql",), ("sys",)}.isdisjoint(mariadb.query("SHOW DATABASES"))
    assert "mysql\nperformance_schema\nsys\n" in as_root(mariadb.container, "SHOW DATABASES")
    with pytest.raises(pymysql.err.OperationalError, match="SELECT command denied"):
        mariadb.query("SELECT * FROM mysql.global_priv")


def test_nobody_comes_in_without_a_password(mariadb: Database) -> None:
    sql = "SELECT concat(user, '@', host) FROM mysql.global_priv WHERE json_value(priv, '$.plugin') IS NULL"
    assert as_root(mariadb.container, sql) in ("", "PUBLIC@\n")
    for user in ("root", "datakit", "", "nobody"):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            mariadb.connect(user=user, password="", database=None)


def test_a_wrong_password_is_refused(mariadb: Database) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        mariadb.connect(password="wrong")
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        mariadb.connect(user="root", password="wrong")


def test_root_has_all_rights_from_anywhere(mariadb: Database) -> None:
    connection = mariadb.connect(user="root", password=mariadb.root_password)
    with connection.cursor() as cursor:
        cursor.execute("SHOW GRANTS")
        assert "GRANT ALL PRIVILEGES ON *.*" in cursor.fetchall()[0][0]
    connection.close()


def test_other_containers_find_it_by_its_name_and_need_the_password(
    containers: Containers, mariadb: Database
) -> None:
    command = ["mariadb", f"--host={mariadb.inside_host}", f"--user={mariadb.user}", "-BNe", "SELECT 42"]
    assert containers.run("mariadb", *command, env={"MYSQL_PWD": mariadb.password}).stdout == "42\n"
    ended = containers.run("mariadb", *command, env={"MYSQL_PWD": "wrong"})
    assert ended.exit_code == 1
    assert "Access denied" in ended.stderr


def test_the_password_is_in_no_log_no_argv_and_no_file(mariadb: Database) -> None:
    assert mariadb.root_password is not None
    command_lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline")]
    assert any(b"mariadb_server" in line for line in command_lines)
    for password in (mariadb.password, mariadb.root_password):
        assert password not in mariadb.container.logs()
        assert not any(password.encode() in line for line in command_lines)
        code = (
            "import os, pathlib\n"
            "files = [p for p in pathlib.Path('/var/lib/mysql').rglob('*') if p.is_file()]\n"
            "print(len(files) > 50, [p for p in files if os.environ['S'].encode() in p.read_bytes()])"
        )
        assert mariadb.container.exec("python", "-c", code, env={"S": password}).stdout == "True []\n"


def test_health(mariadb: Database) -> None:
    assert mariadb.container.exec("healthcheck").exit_code == 0
    assert mariadb.container.exec("python", "-m", "mariadb_server", "healthcheck").exit_code == 0


def test_it_is_nobody_and_has_no_capabilities(mariadb: Database) -> None:
    code = "import os; print(os.getuid(), *(l.split()[1] for l in open('/proc/1/status') if 'CapEff' in l))"
    assert mariadb.container.exec("python", "-c", code).stdout == f"10001 {0:016x}\n"


@pytest.mark.usefixtures("started")
def test_passwords_and_init_scripts_from_files(containers: Containers, folder: Path) -> None:
    user, password, name = "o'w\\ner", "from a 'file' \\", "a `name` 50%_"
    (folder / "password").write_text(password + "\n")
    scripts = folder / "scripts"
    scripts.mkdir()
    (scripts / "1.sql").write_text("CREATE TABLE loaded (x int);\nINSERT INTO loaded VALUES (1);\n")
    (scripts / "2.sql.gz").write_bytes(gzip.compress(b"INSERT INTO loaded SELECT x + 1 FROM loaded;"))
    (scripts / "3.txt").write_text("nothing to run")
    container = containers.start(
        "mariadb",
        name="files",
        env={
            "MARIADB_USER": user,
            "MARIADB_DATABASE": name,
            "MARIADB_PASSWORD_FILE": "/run/secrets/password",
            "MARIADB_ROOT_PASSWORD_FILE": "/run/secrets/password",
        },
        mounts={"/run/secrets/password": folder / "password", "/docker-entrypoint-initdb.d": scripts},
        volumes={DATA: "files"},
        ports=[3306],
    )
    host, port = container.address(3306)
    database = Database("mariadb", container, host, port, user, password, name).wait()
    assert database.query("SELECT x FROM loaded ORDER BY x") == [(1,), (2,)]
    database.connect(user="root").close()
    assert "/docker-entrypoint-initdb.d/3.txt" in container.logs()
    as_root(container, "CREATE DATABASE `a ``name`` 50xx`")
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        database.connect(database="a `name` 50xx")
    container.stop()
    container.start_again()
    assert database.again().query("SELECT count(*) FROM loaded") == [(2,)], "scripts run once"


@pytest.mark.usefixtures("started")
def test_a_user_without_root(containers: Containers) -> None:
    container = containers.start(
        "mariadb",
        env={"MARIADB_USER": "u", "MARIADB_PASSWORD": "p", "MARIADB_DB": "d"},
        volumes={DATA: "no-root"},
        ports=[3306],
    )
    host, port = container.address(3306)
    database = Database("mariadb", container, host, port, "u", "p", "d").wait()
    assert database.query("SELECT database()") == [("d",)]
    for password in ("", "p", "invalid"):
        with pytest.raises(pymysql.err.OperationalError, match="Access denied|not allowed"):
            database.connect(user="root", password=password)


@pytest.mark.usefixtures("started")
def test_sigterm_ends_it_in_good_order_and_a_restart_keeps_the_data(containers: Containers) -> None:
    database = start_mariadb(containers, name="kept", volume="kept")
    database.query("CREATE TABLE kept AS SELECT 1 AS x")
    idle = database.connect()
    assert database.container.stop() == 0, "although a client is connected"
    idle.close()
    assert "Shutdown complete" in database.container.logs()
    database.container.start_again()
    again = database.again()
    assert again.query("SELECT x FROM kept") == [(1,)]
    assert "crash recovery" not in again.container.logs()
    again.container.stop()
    again.container.remove()
    # Another container on the same volume needs no settings: the database is there.
    other = containers.start("mariadb", name="other", volumes={DATA: "kept"}, ports=[3306])
    host, port = other.address(3306)
    found = Database("mariadb", other, host, port, database.user, database.password, database.name).wait()
    assert found.query("SELECT x FROM kept") == [(1,)]


@pytest.mark.usefixtures("started")
def test_killed_while_it_is_made_it_is_made_again(containers: Containers, folder: Path) -> None:
    script = folder / "slow.sql"
    script.write_text("CREATE DATABASE half;\nSELECT sleep(600);\n")
    mounts = {"/docker-entrypoint-initdb.d/slow.sql": script}
    first = containers.start("mariadb", mounts=mounts, volumes={DATA: "half"}, env=ROOT)
    wait_until(
        "the script runs", lambda: "running /docker-entrypoint-initdb.d/slow.sql" in first.logs(), seconds=60
    )
    assert first.exec("healthcheck").exit_code == 1, "it is not ready yet"
    first.signal("KILL")
    first.wait()
    second = containers.start("mariadb", volumes={DATA: "half"}, env=ROOT, ports=[3306])
    host, port = second.address(3306)
    database = Database("mariadb", second, host, port, "root", "r", "mysql").wait()
    assert database.query("SHOW DATABASES LIKE 'half'") == []
    assert "did not finish making the database" in second.logs()


@pytest.mark.usefixtures("started")
def test_sigterm_while_it_is_made_ends_it(containers: Containers, folder: Path) -> None:
    (folder / "slow.sql").write_text("SELECT sleep(600);\n")
    mounts = {"/docker-entrypoint-initdb.d": folder}
    container = containers.start("mariadb", mounts=mounts, volumes={DATA: "ended"}, env=ROOT)
    wait_until("the script runs", lambda: "running " in container.logs(), seconds=60)
    assert container.stop(seconds=30) == 143


@pytest.mark.usefixtures("started")
def test_a_script_that_fails_is_named_and_nothing_is_served(containers: Containers, folder: Path) -> None:
    (folder / "bad.sql").write_text("SELECT 1;\nSELECT nonsense;\nSELECT 2;\n")
    mounts = {"/docker-entrypoint-initdb.d": folder}
    ended = containers.run("mariadb", mounts=mounts, volumes={DATA: "bad"}, env=ROOT)
    assert ended.exit_code == 1
    assert "Unknown column 'nonsense'" in ended.stderr
    assert "/docker-entrypoint-initdb.d/bad.sql failed" in ended.stderr


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({}, "set MARIADB_ROOT_PASSWORD, or MARIADB_USER and _PASSWORD"),
        ({"MARIADB_ROOT_PASSWORD_FILE": "/none"}, "names /none, which cannot be read: No such file"),
    ],
)
def test_wrong_settings_are_usage_errors(containers: Containers, env: dict[str, str], message: str) -> None:
    ended = containers.run("mariadb", env=env, volumes={DATA: "unused"})
    assert ended.exit_code == 64
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_volume_that_cannot_be_written_is_said(containers: Containers, folder: Path) -> None:
    ended = containers.run("mariadb", env=ROOT, mounts={DATA: folder})
    assert ended.exit_code == 64
    assert "/var/lib/mysql cannot be written" in ended.stderr


@pytest.mark.usefixtures("started")
def test_settings_files_and_options_reach_the_server(containers: Containers, folder: Path) -> None:
    (folder / "mine.cnf").write_text("[mariadbd]\nmax_connections = 33\n")
    mounts = {"/etc/mysql/conf.d": folder}
    database = start_mariadb(containers, "mariadb", "--wait-timeout=77", name="options", mounts=mounts)
    assert database.query("SELECT @@max_connections, @@global.wait_timeout") == [(33, 77)]


@pytest.mark.usefixtures("started")
def test_a_server_that_cannot_start_says_why(containers: Containers) -> None:
    with pytest.raises(NotReadyError, match=r"(?s)not any more after .*unknown option '--no-such'"):
        start_mariadb(containers, "mariadb", "--no-such", name="wrong")


def test_there_is_no_shell(containers: Containers) -> None:
    code = (
        "import os; print([p for p in os.listdir('/usr/bin') if p in ('bash', 'dash', 'sh', 'perl', 'apt')])"
    )
    assert containers.run("mariadb", "python", "-c", code).stdout == "[]\n"
    with pytest.raises(ContainerError):
        containers.start("mariadb", entrypoint="/bin/sh")
