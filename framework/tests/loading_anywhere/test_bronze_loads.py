"""What a load into a bronze table does and leaves, whatever the source and the database are."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pytest
from pyarrow import parquet
from sqlalchemy import Text, func, select
from sqlmodel import Field, SQLModel, col
from sqlmodel_framework import (
    Check,
    DatabaseSource,
    Datakit,
    JsonLinesSource,
    Load,
    ParquetSource,
    ReferenceTableMixin,
    RowSource,
    TableSource,
    Target,
    Watermark,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, LockedError, TerminalError
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.runs import events
from sqlmodel_framework.runs.ledger import RunRecord
from sqlmodel_framework.runs.origin import origin_of_row, origin_of_run
from sqlmodel_framework.runs.run import ChecksFailedError
from sqlmodel_framework.runs.spec import Requester

from .conftest import Place, Raw, csv, kit


class Origin(SQLModel, table=True):
    __tablename__ = "origin"
    __table_args__ = {"schema": "anywhere"}
    id: int = Field(primary_key=True)
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __tablename__ = "item"
    __table_args__ = {"schema": "anywhere"}
    a: str = Field(primary_key=True, max_length=20)


ROWS = [("né", "1"), (None, ""), ("", None), ("né", "1"), ('say "no", or\r\nno', "\\N"), ("NÉ ", "1")]
DICTS: list[dict[str, Any]] = [{"a": a, "b": b} for a, b in ROWS]
QUOTED = '"say ""no"", or\r\nno"'
CSV = f'a,b\nné,1\n,""\n"",\nné,1\n{QUOTED},\\N\nNÉ ,1\n'


def _json_lines(_place: Place, _folder: Path) -> OutsideSource:
    lines = "".join(json.dumps(each) + "\n" for each in DICTS).encode()
    return JsonLinesSource(open=lambda: io.BytesIO(lines), name="items.jsonl")


def _parquet(_place: Place, folder: Path) -> OutsideSource:
    parquet.write_table(pa.Table.from_pylist(DICTS), folder / "items.parquet")
    return ParquetSource(path=folder / "items.parquet")


def till(folder: Path, *statements: str) -> Target:
    """A source of its own kind: a file of SQLite."""
    with closing(sqlite3.connect(folder / "till.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)
    return Target(f"sqlite:///{folder / 'till.db'}", name="till")


def _other_database(_place: Place, folder: Path) -> OutsideSource:
    target = till(folder, "CREATE TABLE origin (a TEXT, b TEXT)")
    with closing(sqlite3.connect(folder / "till.db")) as connection, connection:
        connection.executemany("INSERT INTO origin VALUES (?, ?)", ROWS)
    return DatabaseSource(target=target, table="origin")


def _same_database(place: Place, _folder: Path) -> OutsideSource:
    deploy_datakit(Datakit(name="origin", version="1", tables=(Origin,)), place.target)
    place.put(Origin, *({"id": number, **row} for number, row in enumerate(DICTS, 1)))
    return DatabaseSource(target=place.target, table="anywhere.origin")


SOURCES = {
    "csv": lambda _place, _folder: csv(CSV),
    "rows": lambda _place, _folder: RowSource(rows=lambda: DICTS, name="rows"),
    "json lines": _json_lines,
    "parquet": _parquet,
    "another database": _other_database,
    "the same database": _same_database,
}


@pytest.mark.capability("load: every source")
@pytest.mark.parametrize("kind", SOURCES)
def test_each_source_brings_the_same_rows_and_hashes(place: Place, tmp_path: Path, kind: str) -> None:
    source = SOURCES[kind](place, tmp_path)
    assert place.load(source).loaded == len(ROWS)
    assert place.read(Raw, "a", "b", "row_hash") == [(*row, row_hash(row)) for row in ROWS]
    described = [(source.system, source.name, source.host, source.extraction_method)]
    names = ("source_system", "source_table", "source_host", "extraction_method")
    assert place.read(Raw, *names) == described * len(ROWS)
    again = place.load(source)
    assert (again.read, again.loaded) == (len(ROWS), 0)


@pytest.mark.capability("load: bronze tables")
def test_what_stands_for_null_is_told_by_the_source(place: Place) -> None:
    content = 'a,b\n,""\nNA,"NA"\n'
    place.load(csv(content, null=None, name="none"))
    place.load(csv(content, null="", name="empty"))
    place.load(csv(content, null="NA", name="NA"))
    assert place.rows() == [("", ""), ("NA", "NA"), (None, ""), ("NA", "NA"), ("", ""), (None, "NA")]


@pytest.mark.capability("load: bronze tables")
def test_equal_rows_stay_as_many_as_a_source_has_at_most(place: Place) -> None:
    assert place.load(csv("a,b\n1,x\n2,y\n1,x\n")).loaded == 2 + 1
    assert place.load(csv("a,b\n1,x\n2,y\n")).loaded == 0
    assert place.load(csv("a,b\n1,x\n1,x\n1,x\n3,z\n")).loaded == 2
    assert place.rows() == [("1", "x"), ("2", "y"), ("1", "x"), ("1", "x"), ("3", "z")]


@pytest.mark.capability("load: bronze tables")
@pytest.mark.parametrize("other", [{"name": "Items.csv"}, {"name": "items.csv "}, {"system": "till"}])
def test_the_rows_of_another_source_are_others(place: Place, other: dict[str, str]) -> None:
    assert place.load(csv("a,b\n1,x\n")).loaded == 1
    assert place.load(csv("a,b\n1,x\n", **other)).loaded == 1
    assert place.load(csv("a,b\n1,x\n", **other)).loaded == 0


@pytest.mark.capability("load: bronze tables")
def test_an_empty_source_is_loaded(place: Place) -> None:
    assert place.load(csv("a,b\n")).loaded == 0
    assert place.rows() == []


def _failing() -> Iterator[dict[str, Any]]:
    yield from ({"a": str(number), "b": "x"} for number in range(5000))
    raise ContractError("the rows end badly")


GOOD = "".join(f"{number},x\n" for number in range(5000))
BROKEN = {
    "a record": (csv(f"a,b\n{GOOD}1,2,3\n"), "items.csv, line 5002: "),
    "an encoding": (csv(f"a,b\n{GOOD}".encode() + b"\xff,1\n"), "items.csv"),
    "a zero byte": (csv(f"a,b\n{GOOD}\0,1\n"), "items.csv"),
    "a header": (csv("a,c\n1,2\n"), "the column b is missing; the column 'c' is not in anywhere.raw"),
    "rows": (RowSource(rows=_failing, name="rows"), "the rows end badly"),
    "json lines": (
        JsonLinesSource(open=lambda: io.BytesIO(b'{"a": "1", "b": "x"}\n' * 5000 + b"{"), name="items.jsonl"),
        "items.jsonl, line 5001: it is no JSON",
    ),
}


@pytest.mark.capability("load: broken sources leave nothing")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_source_leaves_nothing(place: Place, kind: str) -> None:
    broken, message = BROKEN[kind]
    with pytest.raises(ContractError, match=message.replace(".", r"\.")):
        place.load(csv("a,b\n0,first\n", name="first.csv"), broken)
    assert place.rows() == [("0", "first")]
    assert place.loads("load_name", "loaded") == [("first.csv", 1)]
    ((status, error),) = place.read(RunRecord, "status", "error")
    assert status == "failed"
    assert message in error
    assert place.load(csv("a,b\n1,mended\n")).loaded == 1
    assert place.rows() == [("0", "first"), ("1", "mended")]


@pytest.mark.capability("load: ledger")
def test_a_load_is_in_the_ledger(place: Place) -> None:
    run_id = uuid4()
    data = "a,b\n1,x\n1,x\n"
    for _ in range(2):
        # The second time it has succeeded before.
        run_datakit(kit(csv(data, system="till")), place.target, run_id=run_id)
    place.load(csv(data, system="till"))
    size, checksum = len(data), hashlib.sha256(data.encode()).hexdigest()
    common = ("items.csv", "bronze", "anywhere.raw", "till: items.csv", size, checksum, None, None)
    names = ("load_name", "layer", "table_name", "source", "bytes", "checksum", "watermark_from", "watermark")
    assert place.loads(*names, "read", "accepted", "rejected", "loaded") == [
        (*common, 2, 2, 0, 2),
        (*common, 2, 2, 0, 0),
    ]
    assert place.loads("run_id", "kept", "reasons", "deleted")[0] == (run_id, {}, {}, 0)
    assert place.read(RunRecord, "datakit", "status", "error") == [("anywhere", "succeeded", None)] * 2
    assert place.read(Raw, "run_id") == [(run_id,)] * 2


@pytest.mark.capability("load: ledger")
def test_a_run_of_chosen_loads_is_known_by_them(place: Place) -> None:
    datakit = kit(csv("a,b\n1,x\n", name="one"), csv("a,b\n2,y\n", name="two"))
    deploy_datakit(datakit, place.target)
    run_id = uuid4()
    for repeated in (False, True):
        done = run_datakit(datakit, place.target, parts=["load"], loads=["bronze.two"], run_id=run_id)
        assert done.repeated is repeated
    assert place.rows() == [("2", "y")]
    with pytest.raises(TerminalError, match=r"is that of a run of load \(only bronze\.two\)"):
        run_datakit(datakit, place.target, parts=["load"], run_id=run_id)
    run_datakit(datakit, place.target, parts=["load"])
    runs = place.read(RunRecord, "loads", "status")
    assert sorted(runs, key=repr) == [(None, "succeeded"), (["bronze.two"], "succeeded")]
    assert place.rows() == [("2", "y"), ("1", "x")]


@pytest.mark.capability("load: ledger")
def test_a_retry_does_not_load_again_what_is_loaded(place: Place) -> None:
    run_id = uuid4()
    told: list[events.Event] = []
    first = csv("a,b\n1,x\n", name="first.csv")
    with pytest.raises(ContractError):
        run_datakit(kit(first, csv("a,b\n1\n")), place.target, run_id=run_id)
    run_datakit(kit(first, csv("a,b\n2,y\n")), place.target, run_id=run_id, on_event=told.append)
    assert [each.load.name for each in told if isinstance(each, events.LoadSkipped)] == ["first.csv"]
    assert place.rows() == [("1", "x"), ("2", "y")]


@pytest.mark.capability("load: watermarks")
def test_a_load_with_a_watermark_goes_on_where_the_last_one_ended(place: Place, tmp_path: Path) -> None:
    target = till(
        tmp_path,
        "CREATE TABLE sale (a TEXT, b TEXT, number INTEGER)",
        "INSERT INTO sale VALUES ('1', 'x', 1), ('2', 'y', 2)",
    )
    source = DatabaseSource(target=target, table="sale", watermark=Watermark(column="number"))
    assert (place.load(source).read, place.load(source).loaded) == (2, 0)
    till(tmp_path, "INSERT INTO sale VALUES ('2b', 'y', 2), ('3', 'z', 3), ('0', 'late', 1)")
    last = place.load(source)
    assert (last.read, last.loaded) == (3, 2)
    assert place.rows() == [("1", "x"), ("2", "y"), ("2b", "y"), ("3", "z")]
    assert place.loads("watermark_from", "watermark", "source") == [
        (None, "2", "till: sale"),
        ("2", "2", "till: sale"),
        ("2", "3", "till: sale"),
    ]
    assert set(place.read(Raw, "extraction_method")) == {("incremental",)}


@pytest.mark.capability("load: checks")
def test_a_check_that_finds_something_fails_the_run_after_its_loads(place: Place) -> None:
    check = Check(
        name="few",
        statement=select(func.count()).select_from(Raw).where(col(Raw.a) == "2"),
        because="none is 2",
    )
    datakit = kit(csv("a,b\n1,x\n2,y\n"), checks=(check,))
    with pytest.raises(ChecksFailedError, match=r"check 'few' found 1 \(none is 2\)"):
        run_datakit(datakit, place.target)
    assert place.rows() == [("1", "x"), ("2", "y")]
    assert place.read(RunRecord, "status") == [("failed",)]


@pytest.mark.capability("load: one run at a time")
def test_two_runs_do_not_work_at_the_same_time(place: Place) -> None:
    impatient = Target(place.target.secret_url(), name="t", lock_timeout=0.1)
    caught: list[LockedError] = []

    def second_run(event: events.Event) -> None:
        if isinstance(event, events.Deployed):
            with pytest.raises(LockedError) as error:
                run_datakit(kit(csv("a,b\n1,x\n")), impatient)
            caught.append(error.value)

    run_datakit(kit(csv("a,b\n1,x\n")), place.target, on_event=second_run)
    assert [error.exit_code for error in caught] == [75]
    assert place.rows() == [("1", "x")]
    assert run_datakit(kit(csv("a,b\n1,x\n")), impatient).loaded == 0


@pytest.mark.capability("load: write modes")
def test_a_table_that_is_no_bronze_table(place: Place, not_offered: Any) -> None:
    load = Load(table=Item, name="items", layer="silver", source=TableSource(Raw))
    datakit = kit(csv("a,b\n1,x\n"), tables=(Raw, Item))
    datakit = Datakit(name="anywhere", version="1", tables=(Raw, Item), loads=(*datakit.loads, load))
    if place.target.dialect == "postgresql":
        assert run_datakit(datakit, place.target).loaded == 2
        return
    not_offered()
    with pytest.raises(TerminalError, match="only bronze tables can be loaded") as caught:
        run_datakit(datakit, place.target)
    assert caught.value.hint == "load silver and gold on PostgreSQL"
    assert place.rows() == [("1", "x")]


def test_a_row_leads_to_its_run_and_to_who_asked(place: Place) -> None:
    items = csv("a,b\n1,one\n")
    by = Requester(system="airflow", workflow="w", workflow_run="monday", task="t", attempt=2)
    run_id = uuid4()
    run_datakit(kit(items), place.target, run_id=run_id, requested_by=by)
    run_datakit(kit(csv("a,b\n2,two\n")), place.target)
    found = origin_of_row(kit(items), place.target, "anywhere.raw", {"a": "1"})
    assert (found.run_id, found.load, found.requested_by) == (run_id, "bronze.items.csv", by)
    assert origin_of_run(run_id, place.target).requested_by == by
