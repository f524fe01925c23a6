"""Rows from PostgreSQL to PostgreSQL: in chunks, with checkpoints, and what happens when something breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, Text, create_engine, text
from sqlmodel import Field
from sqlmodel_framework import (
    BronzeTableMixin,
    DatabaseSource,
    Datakit,
    Load,
    Target,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import ContractError, LockedError, UnavailableError
from sqlmodel_framework.loading.extraction import ColumnWindow
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.runs.events import Event, LoadProgressed
from sqlmodel_framework.runs.result import LoadResult
from sqlmodel_framework.testing.plugin import fresh_database

Ask = Callable[..., list[tuple[object, ...]]]


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "straight_raw"
    __table_args__ = {"schema": "straight"}
    part: str | None = Field(default=None, sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)
    words: str | None = Field(default=None, sa_type=Text)
    sold_at: str | None = Field(default=None, sa_type=Text)


COLUMNS = "part, number, words, sold_at"
ROWS = 1000
FILL = """
CREATE SCHEMA shop;
CREATE TABLE shop."Sale" (part text, number bigint, words text, sold_at timestamptz, KEY);
INSERT INTO shop."Sale"
SELECT (ARRAY['a', 'B', 'it''s', 'é', '', 'a b'])[n % 6 + 1], n / 6, nullif(repeat('x', n % 5), ''),
       '2024-01-01Z'::timestamptz + n * interval '1 minute'
FROM generate_series(0, 999) AS n ORDER BY n * 7919 % 1000
"""
KEY = "PRIMARY KEY (part, number)"
HERE = (
    "SELECT part::text, number::text, words, (sold_at AT TIME ZONE 'UTC')::text || '+00' FROM shop.\"Sale\""
)


@pytest.fixture
def source(datakit_server: Target, ask: Ask) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        ask(target, FILL.replace("KEY", KEY))
        yield replace_name(target, "till")


def replace_name(target: Target, name: str) -> Target:
    return Target(target.secret_url(), name=name, server_log=target.server_log)


def kit(source: Target, **more: Any) -> Datakit:
    chunk = more.pop("chunk_rows", 300)
    origin = DatabaseSource(target=source, table="shop.Sale", **more)
    only = Load(table=Raw, name="sale", layer="bronze", source=origin, chunk_rows=chunk)
    return Datakit(name="straight", version="1", tables=(Raw,), loads=(only,))


def load(target: Target, datakit: Datakit, **more: Any) -> LoadResult:
    return run_datakit(datakit, target, **more).loads[0]


def rows(ask: Ask, target: Target) -> list[tuple[object, ...]]:
    return sorted(ask(target, f"SELECT {COLUMNS} FROM straight.straight_raw"), key=str)


def expected(ask: Ask, source: Target) -> list[tuple[object, ...]]:
    return sorted(ask(source, HERE), key=str)


def checkpoint(ask: Ask, target: Target) -> list[tuple[object, ...]]:
    return ask(target, "SELECT read, chunks, after, run_ids FROM datakit.checkpoint")


@pytest.mark.parametrize("chunk_rows", [1, 7, 250, 999, 1000, 1001])
def test_every_row_comes_once_whatever_the_chunks(
    database: Target, source: Target, ask: Ask, chunk_rows: int
) -> None:
    if chunk_rows == 1:
        ask(source, 'DELETE FROM shop."Sale" WHERE number > 3')
    run_id = uuid4()
    done = load(database, kit(source, chunk_rows=chunk_rows), run_id=run_id)
    assert rows(ask, database) == expected(ask, source)
    assert (done.read, done.accepted, done.loaded, done.rejected) == (len(rows(ask, database)),) * 3 + (0,)
    assert checkpoint(ask, database) == []
    found = ask(database, f"SELECT {COLUMNS}, row_hash FROM straight.straight_raw")
    assert all(bytes(row[-1]) == row_hash(row[:-1]) for row in found)  # type: ignore[arg-type, call-overload]
    origin = ("till", "shop.Sale", None, "full", run_id)
    described = "source_system, source_table, source_host, extraction_method, run_id"
    assert ask(database, f"SELECT DISTINCT {described} FROM straight.straight_raw") == [origin]


@pytest.mark.parametrize("key", ["CHECK (true)", "UNIQUE (part, number)"])
def test_a_table_without_a_primary_key_is_one_chunk(
    database: Target, datakit_server: Target, ask: Ask, key: str
) -> None:
    with fresh_database(datakit_server) as target:
        ask(target, FILL.replace("KEY", key))
        assert load(database, kit(target)).loaded == ROWS
        assert rows(ask, database) == expected(ask, target)


def test_a_second_load_brings_what_is_new(database: Target, source: Target, ask: Ask) -> None:
    assert load(database, kit(source)).loaded == ROWS
    ask(source, """INSERT INTO shop."Sale" VALUES ('new', 1, NULL, '2025-01-01Z')""")
    again = load(database, kit(source))
    assert (again.read, again.loaded) == (ROWS + 1, 1)
    assert rows(ask, database) == expected(ask, source)


def test_another_source_beside_it_changes_nothing(database: Target, source: Target, ask: Ask) -> None:
    load(database, kit(source))
    assert load(database, kit(replace_name(source, "other"))).loaded == ROWS


def test_an_empty_table_is_a_result(database: Target, source: Target, ask: Ask) -> None:
    ask(source, 'TRUNCATE shop."Sale"')
    assert load(database, kit(source)).loaded == 0


def test_a_window_takes_its_rows(database: Target, source: Target, ask: Ask) -> None:
    start, end = (datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in (1, 2))
    window = ColumnWindow(column="sold_at", start=start, end=end)
    assert load(database, kit(source, window=window, chunk_rows=13)).loaded == 60
    inside = "sold_at >= '2024-01-01 01:00Z' AND sold_at < '2024-01-01 02:00Z'"
    assert rows(ask, database) == sorted(ask(source, f"{HERE} WHERE {inside}"), key=str)
    assert ask(database, "SELECT DISTINCT extraction_method FROM straight.straight_raw") == [("incremental",)]


class Killer:
    """Ends the sessions of a database from outside, when so many bytes have come."""

    def __init__(self, ask: Ask, server: Target, database: Target, after: int) -> None:
        self.ask, self.server, self.database, self.after = ask, server, database, after
        self.done = False

    def __call__(self, event: Event) -> None:
        if isinstance(event, LoadProgressed) and event.bytes_read > self.after and not self.done:
            self.done = True
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            assert self.ask(self.server, query, name=self.database.url.database) != []


@pytest.mark.parametrize("victim", ["source", "target"])
def test_what_is_cut_short_goes_on_after_the_last_chunk(
    database: Target, source: Target, datakit_server: Target, ask: Ask, victim: str
) -> None:
    first, second = uuid4(), uuid4()
    dies = source if victim == "source" else database
    killer = Killer(ask, datakit_server, dies, 60_000)
    with pytest.raises(UnavailableError, match="the connection was lost|terminating connection"):
        load(database, kit(source), run_id=first, on_event=killer)
    assert killer.done
    ((read, chunks, after, run_ids),) = checkpoint(ask, database)
    assert (chunks, len(after), run_ids) == (read / 300, 2, [str(first)])  # type: ignore[arg-type, operator]
    assert 0 < int(str(read)) < ROWS
    assert len(rows(ask, database)) == read

    done = load(database, kit(source), run_id=second)
    assert (done.read, done.loaded) == (ROWS, ROWS)
    assert rows(ask, database) == expected(ask, source)
    assert checkpoint(ask, database) == []
    # The rows of a chunk belong to the run that wrote it.
    of_run = "SELECT count(*) FROM straight.straight_raw WHERE run_id = :run_id"
    assert ask(database, of_run, run_id=first) == [(read,)]


def test_another_load_does_not_go_on_but_begins_anew(
    database: Target, source: Target, datakit_server: Target, ask: Ask
) -> None:
    with pytest.raises(UnavailableError):
        load(database, kit(source), on_event=Killer(ask, datakit_server, source, 60_000))
    end = datetime(2024, 1, 1, 2, tzinfo=UTC)
    window = ColumnWindow(column="sold_at", start=datetime(2024, 1, 1, tzinfo=UTC), end=end)
    assert load(database, kit(source, window=window)).loaded == 120
    assert len(rows(ask, database)) == 120


def test_what_the_target_cannot_hold_leaves_nothing(datakit_server: Target, source: Target, ask: Ask) -> None:
    name = f"datakit_test_{uuid4().hex}"
    admin = create_engine(
        datakit_server.secret_url(), poolclass=NullPool, isolation_level="AUTOCOMMIT"
    ).connect()
    options = "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    admin.execute(text(f'CREATE DATABASE "{name}" {options}'))
    latin = Target(datakit_server.secret_url().set(database=name), name="latin")
    try:
        # The last of 1,001 rows, by the key: all chunks but its own are committed by then.
        ask(source, """INSERT INTO shop."Sale" VALUES ('ÿ', 9999, '€', '2025-01-01Z')""")
        datakit = kit(source)
        deploy_datakit(datakit, latin)
        with pytest.raises(ContractError, match='has no equivalent in encoding "LATIN1"'):
            load(latin, datakit)
        assert rows(ask, latin) == []
        assert checkpoint(ask, latin) == []
        ask(source, """DELETE FROM shop."Sale" WHERE number = 9999""")
        assert load(latin, datakit).loaded == ROWS
        hashes = ask(latin, f"SELECT {COLUMNS}, row_hash FROM straight.straight_raw")
        assert all(bytes(row[-1]) == row_hash(row[:-1]) for row in hashes)  # type: ignore[arg-type, call-overload]
    finally:
        admin.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        admin.close()


def test_two_loads_of_one_table_wait_for_each_other(database: Target, source: Target) -> None:
    datakit = kit(source)
    deploy_datakit(datakit, database)
    engine = PostgresEngine(database)
    with engine.connect(), engine.locked(f"load {datakit.loads[0].full_table_name}"):
        hurried = Target(database.secret_url(), name="hurried", lock_timeout=0.2)
        with pytest.raises(LockedError, match="in use by another"):
            load(hurried, replace(datakit, name="other"))
    assert load(database, datakit).loaded == ROWS


def test_a_run_that_comes_again_loads_nothing(database: Target, source: Target, ask: Ask) -> None:
    run_id: UUID = uuid4()
    load(database, kit(source), run_id=run_id)
    ask(source, """INSERT INTO shop."Sale" VALUES ('new', 1, NULL, '2025-01-01Z')""")
    assert run_datakit(kit(source), database, run_id=run_id).repeated
    assert len(rows(ask, database)) == ROWS
