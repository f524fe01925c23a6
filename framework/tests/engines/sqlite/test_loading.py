"""What is SQLite's own about loads: one file, one writer, and functions that Python lends it."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text, select
from sqlmodel import Field, col
from sqlmodel_framework import BronzeTableMixin, Datakit, Load, RowSource, Target, deploy_datakit, run_datakit
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.engines.sqlite.engine import SqliteEngine
from sqlmodel_framework.errors import LockedError, TargetError
from sqlmodel_framework.loading.row_hash import canonical_bytes


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "sqlite_raw"
    __table_args__ = {"schema": "loaded"}
    a: str | None = Field(default=None, sa_type=Text)


def kit(rows: Callable[[], Iterator[dict[str, Any]]]) -> Datakit:
    source = RowSource(rows=rows, columns=("a",), name="rows")
    load = Load(table=Raw, name="rows", layer="bronze", source=source)
    return Datakit(name="loaded", version="1", tables=(Raw,), loads=(load,))


def one() -> Iterator[dict[str, Any]]:
    yield {"a": "1"}


def file_of(target: Target) -> Path:
    return Path(str(target.url.database))


def values(target: Target) -> list[Any]:
    found = engine_for(target).read_rows(select(col(Raw.a)).order_by(table_of(Raw).c.bronze_id))
    return [row["a"] for row in found]


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_while_rows_come_others_write_and_nobody_sees_half_of_a_load(target: Target, journal: str) -> None:
    seen: list[list[Any]] = []
    with closing(sqlite3.connect(file_of(target))) as first:
        first.execute(f"PRAGMA journal_mode = {journal}")

    def rows() -> Iterator[dict[str, Any]]:
        yield from ({"a": str(number)} for number in range(10_000))
        with closing(sqlite3.connect(file_of(target), timeout=0.1)) as other, other:
            other.execute("CREATE TABLE beside (id INTEGER)")
        seen.append(values(target))
        yield {"a": "last"}

    assert run_datakit(kit(rows), target).loaded == 10_001
    assert seen == [[]]
    assert values(target)[-1] == "last"


def test_two_engines_in_memory_are_two_databases() -> None:
    engines = [SqliteEngine(Target("sqlite://", name="memory")) for _ in range(2)]
    for engine in engines:
        assert [run_datakit(kit(one), engine.target, engine=engine).loaded for _ in range(2)] == [1, 0]


def test_the_hash_is_computed_once_for_a_row(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    def counted(parts: list[bytes]) -> bytes:
        calls.append(parts)
        return hashlib.sha256(b"".join(parts)).digest()

    monkeypatch.setattr("sqlmodel_framework.engines.sqlite.row_hash.hash_of_parts", counted)
    run_datakit(kit(lambda: iter([{"a": "1"}, {"a": None}])), target)
    assert calls == [(canonical_bytes(["1"]),), (canonical_bytes([None]),)]


def test_the_lock_of_a_run_is_an_empty_file_that_stays(target: Target) -> None:
    run_datakit(kit(one), target)
    assert sorted(path.name for path in file_of(target).parent.iterdir()) == ["kept.db", "kept.db-run"]
    assert file_of(target).with_name("kept.db-run").stat().st_size == 0


def test_a_lock_is_let_go_of_with_its_connection(target: Target) -> None:
    impatient = SqliteEngine(Target(target.url, name="t", lock_timeout=0.05))
    holder = SqliteEngine(target)
    with holder.connect(), impatient.connect():
        holder.begin_run("one")
        with pytest.raises(LockedError, match="target t is in use by another deployment or program"):
            impatient.begin_run("another")
    with impatient.connect():
        impatient.begin_run("another")


def test_a_lock_that_cannot_be_made_is_a_clear_error(target: Target) -> None:
    deploy_datakit(kit(one), target)
    file_of(target).with_name("kept.db-run").mkdir()
    with pytest.raises(TargetError, match="target kept: its file cannot be opened"):
        run_datakit(kit(one), target)


KILLED = """
import os, signal, sys
from tests_of_sqlite import kit, run_datakit

def rows():
    yield from ({"a": str(number)} for number in range(10_000))
    os.kill(os.getpid(), signal.SIGKILL)

run_datakit(kit(rows), sys.argv[1])
"""


def test_a_run_that_is_killed_leaves_nothing_and_no_lock(target: Target, tmp_path: Path) -> None:
    (tmp_path / "tests_of_sqlite.py").write_bytes(Path(__file__).read_bytes())
    process = subprocess.run(
        [sys.executable, "-c", KILLED, str(target.url)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])},
        check=False,
    )
    assert process.returncode == -signal.SIGKILL
    impatient = Target(target.url, name="t", lock_timeout=0.5)
    assert values(impatient) == []
    assert run_datakit(kit(one), impatient).loaded == 1
    assert values(impatient) == ["1"]


def test_a_table_with_the_name_of_the_stage_is_left_alone(target: Target) -> None:
    engine = engine_for(target)
    with engine.transaction() as connection:
        connection.exec_driver_sql('CREATE TABLE "loaded.datakit_stage" (id INTEGER)')
        connection.exec_driver_sql('INSERT INTO "loaded.datakit_stage" VALUES (7)')
    run_datakit(kit(one), target)
    with engine.transaction() as connection:
        assert connection.exec_driver_sql('SELECT id FROM "loaded.datakit_stage"').scalar_one() == 7
