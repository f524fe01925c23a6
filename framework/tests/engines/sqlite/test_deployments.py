"""Deployments that are alone, that meet, that are killed, and that find a file they cannot use."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, Table, event, insert, select, text
from sqlmodel_framework import Datakit, DatakitError, Target, deploy_datakit
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.engines.sqlite.engine import SqliteEngine
from sqlmodel_framework.errors import LockedError, TargetError, UnavailableError
from sqlmodel_framework.schema.applying import apply_plan
from sqlmodel_framework.schema.planning import plan_datakit

MakeKit = Callable[..., Datakit]

KITS = """
from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, MetaData, String, Table
from sqlmodel_framework import Datakit

def kit(*tables):
    return Datakit(name="kept", version="1", tables=tuple(type("T", (), {"__table__": t}) for t in tables))

def first():
    metadata = MetaData()
    return kit(
        Table("item", metadata, Column("id", Integer, primary_key=True), Column("code", String(5)),
              schema="shop"),
        Table("sale", metadata, Column("id", Integer, primary_key=True),
              Column("item", Integer, ForeignKey("shop.item.id")), schema="till"),
    )

def second():
    metadata = MetaData()
    return kit(
        Table("item", metadata, Column("id", Integer, primary_key=True),
              Column("code", String(9), nullable=False), CheckConstraint("code <> ''"),
              Index("by_code", "code"), schema="shop"),
        Table("sale", metadata, Column("id", Integer, primary_key=True), Column("number", Integer),
              Column("item", Integer, ForeignKey("shop.item.id", ondelete="CASCADE")), schema="till"),
        Table("shelf", metadata, Column("id", Integer, primary_key=True)),
    )
"""

# The child deploys and is killed before its n-th statement, until one of them lives to the end.
KILLED = (
    KITS
    + """
import os, shutil, signal, sqlite3, sys
from sqlalchemy import Engine, event
from sqlmodel_framework import deploy_datakit
from sqlmodel_framework.schema.planning import plan_datakit

original, path = sys.argv[1:]
url = f"sqlite:///{path}"

def rows():
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        sql = 'SELECT s.id, i.code FROM "till.sale" s JOIN "shop.item" i ON i.id = s.item'
        return connection.execute(sql).fetchall()
    finally:
        connection.close()

def deploy_until(number):
    seen = 0

    def count(*_arguments):
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    deploy_datakit(second(), url)

number = 0
while True:
    number += 1
    shutil.copyfile(original, path)
    child = os.fork()
    if child == 0:
        try:
            deploy_until(number)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status == 0:
        break
    assert os.WIFSIGNALED(status), (number, status)
    assert rows() == [(1, "tea")], number
    deploy_datakit(second(), url)
    assert plan_datakit(second(), url).empty, number
    assert rows() == [(1, "tea")], number
print("killed", number - 1)
"""
)

AT_ONCE = (
    KITS
    + """
import sys
from sqlmodel_framework import deploy_datakit

print("ready", flush=True)
sys.stdin.readline()
print(len(deploy_datakit(first(), sys.argv[1]).created_tables))
"""
)


def start(script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    own = threading.get_ident()

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        # A thread that another test left behind may still be at work.
        if threading.get_ident() == own:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def numbered(*names: str) -> tuple[Table, ...]:
    return tuple(
        Table(name, MetaData(), Column("id", Integer, primary_key=True), schema="s") for name in names
    )


def test_a_deployment_that_is_killed_before_any_statement_is_finished_by_the_next(tmp_path: Path) -> None:
    original = tmp_path / "original.db"
    names: dict[str, Callable[[], Datakit]] = {}
    exec(KITS, names)
    deploy_datakit(names["first"](), f"sqlite:///{original}")
    connection = sqlite3.connect(original)
    with connection:
        connection.execute("INSERT INTO \"shop.item\" VALUES (1, 'tea')")
        connection.execute('INSERT INTO "till.sale" VALUES (1, 1)')
    connection.close()
    process = start(KILLED, str(original), str(tmp_path / "killed.db"))
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    assert int(out.split()[-1]) > 20


def test_of_two_processes_that_deploy_at_once_one_makes_the_tables(target: Target) -> None:
    url = target.url.render_as_string()
    processes = [start(AT_ONCE, url) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    ends = [process.communicate(timeout=120) for process in processes]
    assert sorted(out.strip() for out, _ in ends) == ["0", "2"], ends
    found = engine_for(target).read_rows('SELECT count(*) AS number FROM "datakit.deployment"')
    assert found == [{"number": 1}]


def test_a_file_that_somebody_writes_to_is_a_clear_error_after_the_timeout(
    target: Target, kit: MakeKit
) -> None:
    impatient = Target(target.url, name="kept", lock_timeout=0.05)
    writer = sqlite3.connect(str(target.url.database), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    with pytest.raises(LockedError) as caught:
        deploy_datakit(kit(*numbered("a")), impatient)
    assert caught.value.message == "target kept is in use by another deployment or program"
    assert "0.05 s" in (caught.value.hint or "")
    writer.execute("COMMIT")
    writer.close()
    assert deploy_datakit(kit(*numbered("a")), impatient).changed


def test_the_cost_of_doing_nothing_does_not_grow_with_the_tables(target: Target, kit: MakeKit) -> None:
    costs = []
    for number in (3, 60):
        tables = numbered(*(f"t{n}" for n in range(number)))
        deploy_datakit(kit(*tables), target)
        with counted() as statements:
            assert not deploy_datakit(kit(*tables), target).changed
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 7


def test_a_saved_plan_is_applied_only_to_what_it_was_made_for(target: Target, kit: MakeKit) -> None:
    datakit = kit(*numbered("a", "b"))
    deploy_datakit(kit(*numbered("a")), target)
    plan = plan_datakit(datakit, target)
    engine_for(target).write_rows('ALTER TABLE "s.a" ADD COLUMN theirs')
    with pytest.raises(DatakitError, match="is not what it was when the plan was made"):
        apply_plan(plan, target, datakit=datakit)
    engine_for(target).write_rows('ALTER TABLE "s.a" DROP COLUMN theirs')
    assert apply_plan(plan, target, datakit=datakit).changes == ("create table s.b",)


def test_a_database_in_memory_lives_as_long_as_its_engine(kit: MakeKit) -> None:
    (table,) = numbered("a")
    engine = SqliteEngine()
    assert deploy_datakit(kit(table), "sqlite://", engine=engine).changed
    engine.write_rows(insert(table).values(id=1))
    assert not deploy_datakit(kit(table), "sqlite://", engine=engine).changed
    assert engine.read_rows(select(table)) == [{"id": 1}]
    assert deploy_datakit(kit(table), "sqlite://", engine=SqliteEngine()).changed


def test_reading_cannot_write_and_writing_can_again(target: Target, kit: MakeKit) -> None:
    (table,) = numbered("a")
    deploy_datakit(kit(table), target)
    engine = engine_for(target)
    with engine.connect():
        with pytest.raises(DatakitError, match="readonly"):
            engine.read_rows(insert(table).values(id=1))
        engine.write_rows(insert(table).values(id=2))
        assert engine.read_rows(text('SELECT id FROM "s.a"')) == [{"id": 2}]


def test_files_that_cannot_be_used_are_named_in_one_line(tmp_path: Path, kit: MakeKit) -> None:
    wrong = tmp_path / "wrong.db"
    wrong.write_bytes(b"this is no database" * 100)
    with pytest.raises(TargetError, match=r"target t: its file is not an SQLite database"):
        deploy_datakit(kit(*numbered("a")), Target(f"sqlite:///{wrong}", name="t"))
    with pytest.raises(TargetError, match=r"target t: its file cannot be opened"):
        deploy_datakit(kit(*numbered("a")), Target(f"sqlite:///{tmp_path}/none/x.db", name="t"))


def test_a_damaged_file_is_named_as_such(target: Target, kit: MakeKit) -> None:
    deploy_datakit(kit(*numbered("a")), target)
    path = Path(str(target.url.database))
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996
    path.write_bytes(content)
    with pytest.raises(TargetError, match="target kept: its file is damaged"):
        deploy_datakit(kit(*numbered("a")), target)


def test_a_file_that_may_only_be_read_is_named_as_such(target: Target, kit: MakeKit) -> None:
    deploy_datakit(kit(*numbered("a")), target)
    read_only = Target(f"sqlite:///file:{target.url.database}?mode=ro&uri=true", name="kept")
    assert plan_datakit(kit(*numbered("a")), read_only).empty
    with pytest.raises(TargetError, match="may only be read"):
        deploy_datakit(kit(*numbered("a", "b")), read_only)


def test_a_full_disk_leaves_everything_as_it_was(target: Target, kit: MakeKit) -> None:
    deploy_datakit(kit(*numbered("a")), target)

    class Full(SqliteEngine):
        def make_sqlalchemy_engine(self) -> Engine:
            engine = super().make_sqlalchemy_engine()

            @event.listens_for(engine, "connect")
            def limit(connection: sqlite3.Connection, _record: object) -> None:
                (pages,) = connection.execute("PRAGMA page_count").fetchone()
                connection.execute(f"PRAGMA max_page_count = {pages}")

            return engine

    many = kit(*numbered("a", *(f"t{n}" for n in range(30))))
    with pytest.raises(UnavailableError, match="its disk is full"):
        deploy_datakit(many, target, engine=Full)
    assert not deploy_datakit(kit(*numbered("a")), target).changed


def test_a_table_that_is_no_table_is_refused(target: Target, kit: MakeKit) -> None:
    engine_for(target).write_rows('CREATE VIEW "s.a" AS SELECT 1 AS id')
    with pytest.raises(DatakitError, match="it is a view, not a table"):
        deploy_datakit(kit(*numbered("a")), target)
