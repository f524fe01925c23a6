"""Record batches that go over as bytes leave what text leaves, and a bad value is told all the same."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    Time,
)
from sqlalchemy.dialects.postgresql import REAL
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Append, ArrowSource, Datakit, Load, Merge, Replace, Target, run_datakit
from sqlmodel_framework.engines.postgres.arrow_copy import BinaryRows, binary_rows
from sqlmodel_framework.errors import ContractError
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]

TYPES: dict[str, Any] = {
    "small": SmallInteger(),
    "whole": BigInteger(),
    "single": REAL(),
    "real": Double(),
    "good": Boolean(),
    "day": Date(),
    "clock": Time(),
    "local": DateTime(),
    "moment": DateTime(timezone=True),
    "price": Numeric(20, 4),
    "words": Text(),
    "code": String(5),
    "data": LargeBinary(),
}
ARROW: dict[str, list[pa.DataType]] = {
    "small": [pa.int8(), pa.uint8(), pa.int16(), pa.int64()],
    "whole": [pa.int64(), pa.int32(), pa.uint32()],
    "single": [pa.float32()],
    "real": [pa.float64()],
    "good": [pa.bool_()],
    "day": [pa.date32()],
    "clock": [pa.time64("us"), pa.time32("ms")],
    "local": [pa.timestamp("us"), pa.timestamp("ns"), pa.timestamp("s")],
    "moment": [pa.timestamp("us", "UTC"), pa.timestamp("ms", "Europe/Berlin")],
    "price": [pa.decimal128(20, 4), pa.decimal128(12, 6)],
    "words": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())],
    "code": [pa.string()],
    "data": [pa.binary()],
}


def _wide() -> type[SQLModel]:
    members: dict[str, Any] = {name: Field(default=None, sa_type=type_) for name, type_ in TYPES.items()}
    described = {"__tablename__": "wide", "__table_args__": {"schema": "arrow"}, "__module__": __name__}
    annotations = {"__annotations__": {"id": int, **dict.fromkeys(TYPES, Any | None)}}
    metaclass: Any = type(SQLModel)
    key = {"id": Field(primary_key=True)}
    made: type[SQLModel] = metaclass(
        "Wide", (SQLModel,), {**key, **members, **described, **annotations}, table=True
    )
    return made


Wide = _wide()


class Item(SQLModel, table=True):
    __tablename__ = "item"
    __table_args__ = {"schema": "arrow"}
    id: int = Field(primary_key=True)
    code: str = Field(max_length=3)


def load(target: Target, table: type[SQLModel], batches: list[pa.RecordBatch], **more: Any) -> LoadResult:
    source = ArrowSource(batches=lambda: batches, name="batches")
    loads = (Load(table=table, name="rows", layer="silver", source=source, **more),)
    kit = Datakit(name="arrow", version="1", tables=(Wide, Item), loads=loads)
    return run_datakit(kit, target).loads[0]


ROWS_OF = "sqlmodel_framework.engines.postgres.offered.binary_rows"


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How rows went, in the order of their loads."""
    found: list[str] = []

    def spy(*arguments: Any) -> BinaryRows | None:
        rows = binary_rows(*arguments)
        found.append("text" if rows is None else "bytes")
        return rows

    monkeypatch.setattr(ROWS_OF, spy)
    return found


MOMENTS = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(2200, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(0, 100),
    "whole": st.integers(0, 2**31 - 1),
    "single": st.floats(width=32),
    "real": st.floats(),
    "good": st.booleans(),
    "day": st.dates(),
    "clock": st.times().map(lambda clock: clock.replace(microsecond=0)),
    "local": st.datetimes(min_value=datetime(1700, 1, 1), max_value=datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(microsecond=0)
    ),
    "moment": MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    "price": st.decimals(-99999, 99999, places=4),
    "words": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    "code": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    "data": st.binary(),
}
ROWS = st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}))
CHOSEN = st.fixed_dictionaries({name: st.sampled_from(types) for name, types in ARROW.items()})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, types=CHOSEN)
def test_bytes_leave_what_text_leaves(
    database: Target, ask: Ask, rows: list[dict[str, Any]], types: dict[str, pa.DataType]
) -> None:
    schema = pa.schema([("id", pa.int64()), *types.items()])
    columns = {"id": list(range(len(rows)))} | {name: [row[name] for row in rows] for name in types}
    batch = pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name]).cast(field.type) if pa.types.is_dictionary(field.type)
         else pa.array(columns[field.name], field.type) for field in schema],
        schema=schema,
    )  # fmt: skip
    left = []
    for way in (binary_rows, lambda *_: None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ROWS_OF, way)
            load(database, Wide, [batch.slice(0, 1), batch.slice(1)], mode=Replace(), contract="enforce")
        left.append(ask(database, "SELECT w::text FROM arrow.wide AS w ORDER BY id"))
    assert left[0] == left[1]
    assert len(left[0]) == len(rows)


def test_types_that_fit_go_as_bytes(database: Target, ask: Ask, ways: list[str]) -> None:
    values: dict[str, Any] = {
        "small": 7,
        "whole": 2**40,
        "single": 0.5,
        "real": 0.1,
        "good": True,
        "day": date(2024, 2, 29),
        "clock": time(23, 59, 59, 999999),
        "local": datetime(2024, 2, 29, 12, 0, 0, 1),
        "moment": datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
        "price": Decimal("-1.5000"),
        "words": "é",
        "code": "abc",
        "data": b"\x00\xff",
    }
    schema = pa.schema([("id", pa.int32()), *((name, types[0]) for name, types in ARROW.items())])
    load(database, Wide, [pa.RecordBatch.from_pylist([{"id": 1, **values}], schema=schema)], mode=Append())
    assert ways == ["bytes"]
    [found] = ask(database, f"SELECT {', '.join(values)} FROM arrow.wide")
    assert [bytes(each) if isinstance(each, memoryview) else each for each in found] == [*values.values()]


@pytest.mark.parametrize(
    ("name", "type_"), [("code", pa.int64()), ("real", pa.float32()), ("moment", pa.timestamp("us"))]
)
def test_a_type_that_is_another_goes_as_text(
    database: Target, ways: list[str], name: str, type_: pa.DataType
) -> None:
    schema = pa.schema([("id", pa.int32()), (name, type_)])
    load(database, Wide, [pa.RecordBatch.from_pylist([{"id": 1}], schema=schema)])
    assert ways == ["text"]


ITEMS = pa.schema([("id", pa.int64()), ("code", pa.string())])
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "too long": ({"id": 2, "code": "abcd"}, "line 3: value too long for type character varying\\(3\\)"),
    "too large": ({"id": 2**40, "code": "a"}, "line 3: value .* is out of range for type integer"),
    "missing": ({"id": 2, "code": None}, "line 3: null value in column"),
    "twice": ({"id": 1, "code": "a"}, "line 3: duplicate key"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_value_is_told_by_its_line_and_nothing_is_loaded(
    database: Target, ask: Ask, ways: list[str], what: str
) -> None:
    row, message = BAD[what]
    batch = pa.RecordBatch.from_pylist([{"id": 1, "code": "a"}, row], schema=ITEMS)
    with pytest.raises(ContractError, match=message):
        load(database, Item, [batch], mode=Append(), contract="enforce")
    assert ways == ["bytes"]
    assert ask(database, "SELECT count(*) FROM arrow.item") == [(0,)]


@pytest.mark.parametrize("what", BAD)
def test_a_bad_row_goes_to_quarantine_and_the_others_are_loaded(
    database: Target, ask: Ask, what: str
) -> None:
    batch = pa.RecordBatch.from_pylist([{"id": 7, "code": "a"}, {"id": 1, "code": "a"}, BAD[what][0]], ITEMS)
    done = load(database, Item, [batch], mode=Merge())
    rejected = 2 if what == "twice" else 1
    assert (done.read, done.accepted, done.rejected) == (3, 3 - rejected, rejected)
    assert ask(database, "SELECT count(*) FROM arrow.item") == [(3 - rejected,)]
