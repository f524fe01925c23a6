"""What can be verified at all, and what is said of what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    ArrowSource,
    CsvSource,
    DatabaseSource,
    Datakit,
    JsonLinesSource,
    Load,
    ParquetSource,
    RowSource,
    Target,
    TerminalError,
    TransientError,
    deploy_datakit,
    run_datakit,
    verify_datakit,
)
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.runs.events import LoadStarted
from sqlmodel_framework.verify.events import LoadVerified, VerifyEvent


class Item(SQLModel, table=True):
    __tablename__ = "verify_item"
    __table_args__ = {"schema": "verify"}
    id: int = Field(primary_key=True)


def kit(*sources: OutsideSource) -> Datakit:
    loads = tuple(Load(table=Item, name=each.name, layer="silver", source=each) for each in sources)
    return Datakit(name="verifying", version="1", tables=(Item,), loads=loads)


def csv(content: bytes, name: str = "good.csv") -> CsvSource:
    return CsvSource(open=lambda: BytesIO(content), name=name)


def missing(path: Path) -> CsvSource:
    return CsvSource(open=lambda: path.open("rb"), name="gone.csv")


def spent() -> Iterator[dict[str, Any]]:
    yield {"id": 1}


ONCE = spent()
FILE = BytesIO(b"id\n1\n")
LINES = BytesIO(b'{"id": 1}\n')
BATCHES = iter([pa.record_batch({"id": [1]})])


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (missing(Path("/nowhere/gone.csv")), "gone.csv cannot be opened: No such file or directory"),
        (csv(b'id\n"1\n', "broken.csv"), "broken.csv, line 2: a quote that is opened here is never closed"),
        (csv(b"other\n1\n", "other.csv"), "other.csv, line 1: the header does not fit"),
        (ParquetSource(path=Path("/nowhere/x.parquet")), "x.parquet cannot be read"),
        (OutsideSource(name="mute"), "OutsideSource does not say its rows"),
        (RowSource(rows=lambda: ONCE, name="once"), "once cannot be read again: its function returns the"),
        (CsvSource(open=lambda: FILE, name="file"), "file cannot be read again"),
        (JsonLinesSource(open=lambda: LINES, name="lines"), "lines cannot be read again"),
        (ArrowSource(batches=lambda: BATCHES, name="arrow"), "arrow cannot be read again"),
        (
            DatabaseSource(target=Target("postgresql://nowhere.invalid/x", name="away"), table="t"),
            "target away cannot be reached",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, OutsideSource) else "",
)
def test_a_source_that_cannot_be_read_is_counted_and_the_others_are_compared(
    database: Target, source: OutsideSource, reason: str
) -> None:
    good = csv(b"id\n1\n2\n")
    run_datakit(kit(good), database)
    found = verify_datakit(kit(source, good), database)
    assert [each.status for each in found.loads] == ["not verified", "agrees"]
    assert reason in str(found.loads[0].reason)
    assert found.loads[0].comparison is None
    assert isinstance(found.loads[0].error, TransientError) is (source.name == "t")
    assert not found.differs


def test_a_list_is_read_again(database: Target) -> None:
    rows = [{"id": 1}]
    datakit = kit(RowSource(rows=lambda: rows, name="rows"))
    run_datakit(datakit, database)
    assert verify_datakit(datakit, database).loads[0].status == "agrees"


def test_an_engine_that_cannot_compare_says_so(database: Target, tmp_path: Path) -> None:
    datakit = kit(csv(b"id\n1\n"))
    target = Target(f"sqlite:///{tmp_path}/x.db")
    deploy_datakit(datakit, target)
    assert verify_datakit(datakit, target).loads[0].reason == (
        "SqliteEngine cannot compare the rows of a load"
    )


def test_loads_are_chosen_by_name_and_told_one_by_one(database: Target) -> None:
    datakit = kit(csv(b"id\n1\n", "a"), csv(b"id\n2\n", "b"))
    run_datakit(datakit, database)
    events: list[VerifyEvent] = []
    found = verify_datakit(datakit, database, loads=["b"], on_event=events.append)
    assert [each.load for each in found.loads] == ["b"]
    assert events[0] == LoadStarted(datakit.loads[1], database, 1, 1)
    assert events[-1] == LoadVerified(found.loads[0])
    with pytest.raises(TerminalError, match="datakit 'verifying' has no load 'c'") as caught:
        verify_datakit(datakit, database, loads=["c"])
    assert caught.value.hint == "its loads are a, b"


def test_what_is_not_deployed_is_an_error_of_the_whole(database: Target) -> None:
    with pytest.raises(TerminalError, match="has no table verify.verify_item"):
        verify_datakit(kit(csv(b"id\n1\n")), database)


def test_a_chunk_has_a_row_at_least(database: Target) -> None:
    with pytest.raises(TerminalError, match="chunk_rows must be a whole number from 1 on, not 0"):
        verify_datakit(kit(csv(b"id\n")), database, chunk_rows=0)
