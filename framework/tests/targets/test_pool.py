from __future__ import annotations

import functools
import threading
import time
import traceback
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, NullPool, Text, create_engine
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BaseEngine,
    BronzeTableMixin,
    CsvSource,
    Datakit,
    DatakitError,
    Load,
    ReferenceTableMixin,
    Target,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import UnavailableError
from sqlmodel_framework.targets.pool import shared_pool

if TYPE_CHECKING:
    from conftest import Ask

LOADS = 32


@functools.cache
def line(number: int) -> type[SQLModel]:
    def body(namespace: dict[str, Any]) -> None:
        namespace["__tablename__"] = f"line_{number}"
        namespace["__table_args__"] = {"schema": "lines"}
        namespace["__annotations__"] = {"code": str | None}
        namespace["code"] = Field(default=None, sa_type=Text)

    return types.new_class(f"Line{number}", (BronzeTableMixin,), {"table": True}, body)


def datakit_of(number: int, folder: Path) -> Datakit:
    """A datakit of one table, whose file has 100 rows and as many more as its number says."""
    path = folder / f"{number}.csv"
    path.write_text("code\n" + "".join(f"{number}-{row}\n" for row in range(100 + number)))

    load = Load(
        table=line(number),
        name="lines",
        layer="bronze",
        source=CsvSource(open=lambda: path.open("rb"), name=path.name, system="test"),
    )
    return Datakit(name=f"lines-{number}", version="1", tables=(line(number),), loads=(load,))


class Watch:
    """Counts, over a connection of its own, those that the framework has in a database."""

    def __init__(self, target: Target) -> None:
        self.most = 0
        self._end = threading.Event()
        self._url = target.secret_url()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        engine = create_engine(self._url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            while not self._end.wait(0.005):
                found = connection.exec_driver_sql(
                    "SELECT count(*) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                self.most = max(self.most, found.scalar_one())


def test_32_loads_at_once_stay_within_the_declared_connections(
    database: Target, tmp_path: Path, ask: Ask
) -> None:
    datakits = [datakit_of(number, tmp_path) for number in range(LOADS)]
    together = threading.Barrier(LOADS)
    declared = Target(
        database.url, name="t", pool_size=4, pool_overflow=2, pool_timeout=240, lock_timeout=120
    )

    def run(datakit: Datakit, target: Target) -> int:
        together.wait(60)
        return run_datakit(datakit, target).loaded

    with (
        Watch(database) as watch,
        shared_pool(declared) as target,
        ThreadPoolExecutor(LOADS) as threads,
    ):
        loaded = list(threads.map(run, datakits, [target] * LOADS))
    # The watch sees that there were several at a time, so it would see one too many.
    assert 4 < watch.most <= 6
    expected = [100 + number for number in range(LOADS)]
    assert loaded == expected
    counts = [ask(database, f"SELECT count(DISTINCT code) FROM lines.line_{n}")[0][0] for n in range(LOADS)]
    assert counts == expected
    ended = ask(database, "SELECT count(*) FROM datakit.run WHERE finished_at IS NOT NULL AND error IS NULL")
    assert ended == [(LOADS,)]


def test_the_watch_sees_one_connection_too_many(database: Target) -> None:
    with Watch(database) as watch:
        engines = [PostgresEngine(database) for _ in range(7)]
        with ThreadPoolExecutor(7) as threads:
            list(threads.map(lambda engine: engine.read_rows("SELECT pg_sleep(0.3)"), engines))
    assert watch.most == 7


def tight(target: Target, **options: Any) -> Target:
    return Target(target.url, name="t", **{"pool_size": 1, "pool_overflow": 0, **options})


def process_id(target: Target, engine: type[BaseEngine] = PostgresEngine) -> object:
    return engine(target).read_rows("SELECT pg_backend_pid() AS pid")[0]["pid"]


def test_who_finds_no_connection_free_is_told_after_a_time(database: Target) -> None:
    with shared_pool(tight(database, pool_timeout=0.05)) as target:
        with PostgresEngine(target).connect(), pytest.raises(UnavailableError) as caught:
            process_id(target)
        assert caught.value.message == "target t: none of its 1 connections came free in 0.05 s"
        assert "pool_size" in (caught.value.hint or "")
        assert caught.value.exit_code == 69
        assert process_id(target)


def test_who_waits_gets_the_connection_that_comes_free(database: Target) -> None:
    with shared_pool(tight(database, pool_timeout=60)) as target, ThreadPoolExecutor(1) as threads:
        with PostgresEngine(target).connect() as connection:
            first: object = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            waiting = threads.submit(process_id, target)
            assert not waiting.done()
        assert waiting.result(60) == first


def test_without_a_shared_pool_a_connection_is_opened_for_each_use(database: Target) -> None:
    assert process_id(database) != process_id(database)


LEFT_OVER = """
    CREATE TEMPORARY TABLE scratch (x int);
    SET datestyle = 'German';
    SET default_transaction_read_only = on;
    SELECT pg_advisory_lock(7);
"""
LEFT = """
    SELECT to_regclass('pg_temp.scratch') AS scratch, current_setting('datestyle') AS style,
           current_setting('TimeZone') AS zone, current_setting('default_transaction_read_only') AS readonly,
           current_setting('statement_timeout') AS timeout, pg_backend_pid() AS pid,
           (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks
"""


def test_a_connection_that_comes_back_is_like_new(database: Target) -> None:
    with shared_pool(tight(database, statement_timeout=77)) as target:
        (fresh,) = PostgresEngine(target).read_rows(LEFT)
        PostgresEngine(target).write_rows(LEFT_OVER)
        assert PostgresEngine(target).read_rows(LEFT) == [fresh]
        assert (fresh["style"], fresh["zone"], fresh["timeout"], fresh["locks"]) == (
            "ISO, YMD",
            "UTC",
            "77s",
            0,
        )
        # A run after a deployment, over the connection that has had temporary tables.
        assert PostgresEngine(target).write_rows("SHOW temp_buffers") == [{"temp_buffers": "128MB"}]


def test_a_transaction_that_failed_leaves_a_connection_that_works(database: Target) -> None:
    with shared_pool(tight(database)) as target:
        first = process_id(target)
        with pytest.raises(DatakitError, match="division by zero"):
            PostgresEngine(target).read_rows("SELECT 1 / 0")
        assert process_id(target) == first


def test_a_connection_that_was_lost_is_replaced(database: Target, ask: Ask) -> None:
    with shared_pool(tight(database)) as target:
        first = process_id(target)
        ask(database, "SELECT pg_terminate_backend(:pid, 60000)", pid=first)
        with pytest.raises(UnavailableError):
            process_id(target)
        assert process_id(target) not in (None, first)


def test_a_connection_is_opened_anew_after_its_lifetime(database: Target) -> None:
    started = time.monotonic()
    with shared_pool(tight(database, pool_lifetime=1)) as target:
        first = process_id(target)
        while process_id(target) == first:
            assert time.monotonic() < started + 60
    assert time.monotonic() >= started + 1
    with shared_pool(tight(database, pool_lifetime=600)) as target:
        assert process_id(target) == process_id(target)


def test_after_the_block_no_connection_is_left(database: Target, ask: Ask) -> None:
    with shared_pool(tight(database)) as target:
        pid = process_id(target)
    deadline = time.monotonic() + 60
    while ask(database, "SELECT 1 FROM pg_stat_activity WHERE pid = :pid", pid=pid):
        assert time.monotonic() < deadline


def test_the_password_is_read_for_each_connection(database: Target) -> None:
    read: list[int] = []

    def password() -> str:
        read.append(1)
        return "hush-hush"

    target = Target(database.url, name="t", password=password, pool_size=1, pool_overflow=3)
    with shared_pool(target) as shared:
        before = len(read)
        with PostgresEngine(shared).connect(), PostgresEngine(shared).connect():
            assert len(read) == before + 2
        process_id(shared)
        assert len(read) == before + 2


class Closing(BaseEngine):
    """One that says nothing of how to make a session new."""


def test_an_engine_that_cannot_make_a_session_new_shares_within_the_bound_and_keeps_none_open(
    database: Target,
) -> None:
    with shared_pool(tight(database, pool_timeout=0.05), engine=Closing) as target:
        assert process_id(target, Closing) != process_id(target, Closing)
        with Closing(target).connect(), pytest.raises(UnavailableError, match="came free"):
            process_id(target, Closing)


def test_an_engine_of_another_kind_does_not_get_connections_that_were_made_otherwise(
    database: Target,
) -> None:
    with shared_pool(database) as target, pytest.raises(DatakitError) as caught:
        process_id(target, Closing)
    assert caught.value.message == "Closing cannot use connections of PostgresEngine"


class Poolless(BaseEngine):
    def make_sqlalchemy_engine(self) -> Engine:
        return create_engine(self.target.secret_url(), poolclass=NullPool)


def test_an_engine_that_makes_no_pool_is_refused(database: Target) -> None:
    with (
        pytest.raises(DatakitError, match="Poolless cannot share connections"),
        shared_pool(database, engine=Poolless),
    ):
        pass


class Crate(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "crates"}
    code: str = Field(primary_key=True)


def test_a_deployment_and_a_run_use_the_pool(database: Target, tmp_path: Path) -> None:
    with shared_pool(tight(database)) as target:
        pid = process_id(target)
        assert deploy_datakit(Datakit(name="crates", version="1", tables=(Crate,)), target).changed
        assert run_datakit(datakit_of(0, tmp_path), target).loaded == 100
        assert process_id(target) == pid


def test_no_secret_is_in_what_a_pool_shows_or_raises() -> None:
    secret = "hush-hush"
    target = Target(
        "postgresql://me@127.0.0.1:1/d", name="t", password=secret, options={"sslpassword": secret}
    )
    with shared_pool(target) as shared:
        pool = shared.pool
        assert pool is not None
        shown = [pool, pool.source, pool.source.url, pool.source.pool, pool.source.pool.status(), shared]
        with pytest.raises(DatakitError) as caught:
            PostgresEngine(shared).read_rows("SELECT 1")
        error: BaseException | None = caught.value
        told = [*map(repr, shown), *map(str, shown), *traceback.format_exception(caught.value)]
        while error is not None:
            told += [repr(error), str(error.args)]
            error = error.__cause__ or error.__context__
    assert [text for text in told if "hush" in text] == []
