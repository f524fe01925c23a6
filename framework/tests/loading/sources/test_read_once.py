"""What offers its rows only once is read once; where that is not enough, nothing is lost or half done."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    ArrowSource,
    CsvSource,
    Datakit,
    DltSource,
    Load,
    Replace,
    RowSource,
    Target,
    TransformedSource,
    run_datakit,
)
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Once(SQLModel, table=True):
    __tablename__ = "once"
    __table_args__ = {"schema": "reading_once"}
    id: int = Field(primary_key=True)
    price: int = Field(ge=0)


SCHEMA = pa.schema([("id", pa.int64()), ("price", pa.int64())])
OTHER_TYPES = pa.schema([("id", pa.string()), ("price", pa.string())])


def rows_once(rows: list[dict[str, Any]]) -> OutsideSource:
    found = iter(rows)
    return RowSource(rows=lambda: found, name="once")


def arrow_once(rows: list[dict[str, Any]]) -> OutsideSource:
    found = iter([pa.RecordBatch.from_pylist([row], schema=SCHEMA) for row in rows])
    return ArrowSource(batches=lambda: found, name="once")


def arrow_of_other_types_once(rows: list[dict[str, Any]]) -> OutsideSource:
    found = iter(
        [
            pa.RecordBatch.from_pylist(
                [{name: str(value) for name, value in row.items()}], schema=OTHER_TYPES
            )
            for row in rows
        ]
    )
    return ArrowSource(batches=lambda: found, name="once")


def csv_once(rows: list[dict[str, Any]]) -> OutsideSource:
    text = "id,price\n" + "".join(f"{row['id']},{row['price']}\n" for row in rows)
    found = io.BytesIO(text.encode())
    return CsvSource(open=lambda: found, name="once")


def transformed_once(rows: list[dict[str, Any]]) -> OutsideSource:
    return TransformedSource(of=arrow_once(rows), batch=lambda batch: batch)


ONCE = [rows_once, arrow_once, arrow_of_other_types_once, csv_once, transformed_once]
Make = Callable[[list[dict[str, Any]]], OutsideSource]


def load(target: Target, source: OutsideSource, **more: Any) -> LoadResult:
    loads = (Load(table=Once, name="once", layer="silver", source=source, **more),)
    return run_datakit(Datakit(name="once", version="1", tables=(Once,), loads=loads), target).loads[0]


GOOD = [{"id": number, "price": number} for number in range(5)]


@pytest.mark.parametrize("make", ONCE)
def test_good_rows_are_all_loaded(database: Target, ask: Ask, make: Make) -> None:
    assert load(database, make(GOOD)).loaded == len(GOOD)
    assert ask(database, "SELECT sum(id), sum(price) FROM reading_once.once") == [(10, 10)]


@pytest.mark.parametrize("mode", [Replace(), Append()])
@pytest.mark.parametrize("contract", ["enforce", "quarantine"])
@pytest.mark.parametrize("make", ONCE)
def test_a_bad_row_leaves_everything_as_it_was(
    database: Target, ask: Ask, make: Make, contract: str, mode: Any
) -> None:
    load(database, rows_once(GOOD))
    bad = [{"id": 7, "price": 7}, {"id": 8, "price": -1}]
    with pytest.raises(TerminalError, match="once cannot be read again"):
        load(database, make(bad), contract=contract, mode=mode)
    assert ask(database, "SELECT count(*) FROM reading_once.once") == [(len(GOOD),)]


def test_a_resource_of_dlt_that_comes_once_is_refused(database: Target, ask: Ask) -> None:
    found = iter(GOOD)
    with pytest.raises(TerminalError, match="once cannot be read again"):
        load(database, DltSource(resource=lambda: found, name="once"))
