"""Bronze tables against their sources, on a real PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import (
    BronzeTableMixin,
    CsvSource,
    DatabaseSource,
    Datakit,
    Load,
    RowSource,
    Target,
    run_datakit,
    verify_datakit,
)
from sqlmodel_framework.loading.extraction import ColumnWindow
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.testing.plugin import fresh_database
from sqlmodel_framework.verify.result import Comparison, LoadVerification

Ask = Callable[..., list[tuple[object, ...]]]


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "verify_raw"
    __table_args__ = {"schema": "verify"}
    part: str | None = Field(default=None, sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)
    words: str | None = Field(default=None, sa_type=Text)
    sold_at: str | None = Field(default=None, sa_type=Text)


COLUMNS = ("part", "number", "words", "sold_at")
FILL = """
CREATE SCHEMA shop;
CREATE TABLE shop."Sale" (part text, number bigint, words text, sold_at timestamptz, KEY);
INSERT INTO shop."Sale"
SELECT (ARRAY['a', 'B', 'it''s', 'é', '', 'a b'])[n % 6 + 1], n / 6, nullif(repeat('x', n % 5), ''),
       '2024-01-01Z'::timestamptz + n * interval '1 minute'
FROM generate_series(0, 999) AS n ORDER BY n * 7919 % 1000
"""
KEY = "PRIMARY KEY (number, part)"


@pytest.fixture
def source(datakit_server: Target, ask: Ask) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        ask(target, FILL.replace("KEY", KEY))
        yield Target(target.secret_url(), name="till", server_log=target.server_log)


def kit(source: OutsideSource) -> Datakit:
    only = Load(table=Raw, name="sale", layer="bronze", source=source, chunk_rows=300)
    return Datakit(name="verifying", version="1", tables=(Raw,), loads=(only,))


def sale(source: Target, **more: Any) -> Datakit:
    return kit(DatabaseSource(target=source, table="shop.Sale", **more))


def verify(target: Target, datakit: Datakit, **more: Any) -> LoadVerification:
    return verify_datakit(datakit, target, **{"chunk_rows": 100, **more}).loads[0]


def found(target: Target, datakit: Datakit, **more: Any) -> Comparison:
    comparison = verify(target, datakit, **more).comparison
    assert comparison is not None
    return comparison


def checksum(rows: list[tuple[Any, ...]]) -> str:
    total = sum(int.from_bytes(row_hash(row)[:8], "big") for row in rows)
    return f"{total % 2**64:016x}"


@pytest.mark.parametrize("chunk_rows", [1, 300, 1000, 5000])
def test_what_was_loaded_agrees_whatever_the_chunks(
    database: Target, source: Target, chunk_rows: int
) -> None:
    run_datakit(sale(source), database)
    result = verify(database, sale(source), chunk_rows=chunk_rows)
    assert result.status == "agrees"
    assert result.comparison == Comparison(
        key=("number", "part"),
        source_rows=1000,
        target_rows=1000,
        chunks=-(-1000 // chunk_rows),
        differences=(),
    )


def test_a_value_that_was_tampered_with_names_exactly_its_chunk(
    database: Target, source: Target, ask: Ask
) -> None:
    run_datakit(sale(source), database)
    chosen = f"SELECT {', '.join(COLUMNS)} FROM verify.verify_raw"
    order = 'ORDER BY number::bigint, part COLLATE "C" OFFSET 500 LIMIT 100'
    chunk = ask(database, f"{chosen} {order}")
    ask(database, "UPDATE verify.verify_raw SET words = 'other' WHERE number = '90' AND part = 'B'")
    result = verify(database, sale(source))
    assert result.status == "differs"
    assert result.comparison is not None
    (difference,) = result.comparison.differences
    assert (difference.number, difference.first[0], difference.last[0]) == (6, "83", "99")
    assert (difference.source_rows, difference.target_rows, difference.missing) == (100, 99, 1)
    assert difference.source_checksum == checksum(chunk)
    without = [row for row in chunk if row[:2] != ("B", "90")]
    assert difference.target_checksum == checksum(without)
    # What took the place of the row is no row of the source, and not what it was written as.
    assert (result.comparison.others, result.comparison.altered) == (1, 1)


def test_a_row_that_only_seems_untouched_is_found(database: Target, source: Target, ask: Ask) -> None:
    run_datakit(sale(source), database)
    hashed = row_hash(["a", "0", "other", None])
    ask(
        database,
        "UPDATE verify.verify_raw SET words = 'other', sold_at = NULL, row_hash = :hash "
        "WHERE number = '0' AND part = 'a'",
        hash=hashed,
    )
    compared = found(database, sale(source))
    assert ([each.number for each in compared.differences], compared.altered) == ([1], 0)


def test_a_row_that_is_missing_and_one_that_is_new_are_told_apart_from_older_ones(
    database: Target, source: Target, ask: Ask
) -> None:
    run_datakit(sale(source), database)
    ask(source, "UPDATE shop.\"Sale\" SET words = 'newer' WHERE number = 3 AND part = 'a'")
    ask(source, "INSERT INTO shop.\"Sale\" VALUES ('z', 1000, NULL, NULL)")
    before = found(database, sale(source))
    assert [(each.number, each.missing) for each in before.differences] == [(1, 1), (11, 1)]
    assert before.others == 1
    run_datakit(sale(source), database)
    after = verify(database, sale(source))
    assert after.status == "agrees"
    assert after.comparison is not None
    assert (after.comparison.source_rows, after.comparison.others) == (1001, 1)
    ask(database, "DELETE FROM verify.verify_raw WHERE number = '1000'")
    (difference,) = found(database, sale(source)).differences
    assert (difference.number, difference.first, difference.target_rows) == (11, ("1000", "z"), 0)
    assert difference.target_checksum == "0" * 16


def test_null_and_empty_text_differ(database: Target, source: Target, ask: Ask) -> None:
    run_datakit(sale(source), database)
    ask(database, "UPDATE verify.verify_raw SET words = '' WHERE words IS NULL AND number = '0'")
    compared = found(database, sale(source))
    assert (compared.differences[0].missing, compared.altered) == (2, 2)


def test_rows_of_another_source_do_not_count(database: Target, source: Target) -> None:
    other = Target(source.secret_url(), name="other")
    run_datakit(sale(source), database)
    run_datakit(sale(other), database)
    compared = found(database, sale(source))
    assert (compared.target_rows, compared.others) == (1000, 0)


def test_the_order_of_the_sources_columns_means_nothing(database: Target, source: Target) -> None:
    turned = sale(source, columns=tuple(reversed(COLUMNS)))
    run_datakit(turned, database)
    assert verify(database, turned).status == "agrees"


def test_of_a_window_only_its_rows_are_asked_for(database: Target, source: Target) -> None:
    run_datakit(sale(source), database)
    start, end = (datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in (1, 2))
    compared = found(database, sale(source, window=ColumnWindow(column="sold_at", start=start, end=end)))
    assert (compared.source_rows, compared.others, compared.differences) == (60, 940, ())


def test_a_source_without_a_key_is_cut_by_the_order_of_its_rows(
    database: Target, datakit_server: Target, ask: Ask
) -> None:
    with fresh_database(datakit_server) as target:
        ask(target, FILL.replace("KEY", "CHECK (true)"))
        ask(target, 'INSERT INTO shop."Sale" SELECT * FROM shop."Sale" WHERE number = 7')
        run_datakit(sale(target), database)
        assert verify(database, sale(target)).status == "agrees"
        # One of two equal rows is gone.
        ask(
            database,
            "DELETE FROM verify.verify_raw WHERE bronze_id = (SELECT max(bronze_id) FROM verify.verify_raw)",
        )
        compared = found(database, sale(target))
    assert compared.key == ()
    (difference,) = compared.differences
    assert (difference.first, difference.last, difference.missing) == (("1001",), ("1006",), 1)


@pytest.mark.parametrize("made", ["csv", "rows", "sqlite"])
def test_a_source_of_any_kind_is_staged(database: Target, tmp_path: Path, ask: Ask, made: str) -> None:
    rows = [("a", str(n), None if n % 2 else "", "x") for n in range(1, 51)]
    sources: dict[str, Callable[[], OutsideSource]] = {
        "csv": lambda: CsvSource(open=lambda: BytesIO(_csv(rows)), name="f.csv", null=""),
        "rows": lambda: RowSource(
            rows=lambda: [dict(zip(COLUMNS, row, strict=True)) for row in rows], name="rows", columns=COLUMNS
        ),
        "sqlite": lambda: _sqlite(tmp_path / "x.db", rows),
    }
    datakit = kit(sources[made]())
    run_datakit(datakit, database)
    assert verify(database, datakit, chunk_rows=10).status == "agrees"
    ask(database, "UPDATE verify.verify_raw SET words = '' WHERE number = '25'")
    compared = found(database, datakit, chunk_rows=10)
    (difference,) = compared.differences
    assert difference.number == 3
    expected = (("21",), ("30",))
    assert (difference.first, difference.last) == expected
    assert compared.key == (("number",) if made == "sqlite" else ())


def _csv(rows: list[tuple[str, str, str | None, str]]) -> bytes:
    lines = [",".join("" if value is None else f'"{value}"' for value in row) for row in rows]
    return "\n".join([",".join(COLUMNS), *lines, ""]).encode()


def _sqlite(path: Path, rows: list[tuple[str, str, str | None, str]]) -> DatabaseSource:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (part TEXT, number INTEGER PRIMARY KEY, words TEXT, sold_at TEXT)")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", sorted(rows, reverse=True))
    connection.commit()
    connection.close()
    return DatabaseSource(target=Target(f"sqlite:///{path}"), table="t")


def test_nothing_is_written(database: Target, source: Target, ask: Ask) -> None:
    run_datakit(sale(source), database)
    state = "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables ORDER BY 1"
    ask(database, "SELECT pg_stat_force_next_flush()")
    tables = ask(database, "SELECT count(*) FROM pg_class")
    runs = ask(database, "SELECT count(*) FROM datakit.run")
    before = ask(database, state)
    verify(database, sale(source))
    assert ask(database, state) == before
    assert ask(database, "SELECT count(*) FROM pg_class") == tables
    assert ask(database, "SELECT count(*) FROM datakit.run") == runs


def test_a_row_that_was_altered_long_ago_is_a_difference_of_its_own(
    database: Target, source: Target, ask: Ask
) -> None:
    run_datakit(sale(source), database)
    ask(source, 'DELETE FROM shop."Sale" WHERE number = 4')
    gone = verify(database, sale(source))
    assert gone.status == "agrees"
    ask(database, "UPDATE verify.verify_raw SET words = 'z' WHERE number = '4' AND part = 'a'")
    altered = verify(database, sale(source))
    assert altered.comparison is not None
    assert (altered.status, altered.comparison.differences, altered.comparison.altered) == ("differs", (), 1)
