"""Every source brings its rows unchanged, and says where a row is broken."""

import io
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import JSON, Double, Integer, Interval, Numeric, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    Append,
    ArrowSource,
    BronzeTableMixin,
    Datakit,
    JsonLinesSource,
    Load,
    ParquetSource,
    Replace,
    RowSource,
    Target,
    array_of,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, TerminalError
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.loading.sources.rows import Row
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Anything(SQLModel, table=True):
    __tablename__ = "source_anything"
    __table_args__ = {"schema": "sources"}
    id: int = Field(primary_key=True)
    words: str | None = None
    number: Decimal | None = Field(default=None, sa_type=Numeric)
    real: float | None = Field(default=None, sa_type=Double)
    good: bool | None = None
    data: bytes | None = None
    token: UUID | None = None
    day: date | None = None
    clock: time | None = None
    moment: datetime | None = None
    span: timedelta | None = Field(default=None, sa_type=Interval)
    document: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    numbers: list[int] | None = Field(default=None, sa_type=array_of(Integer))
    texts: list[str] | None = Field(default=None, sa_type=array_of(Text))


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "source_raw"
    __table_args__ = {"schema": "sources"}
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


NAMES = ("id", "words", "number", "real", "good", "data", "token", "day", "clock", "moment", "span")
FULL: dict[str, Any] = {
    "id": 1,
    "words": 'a "quote", a\nline and a \\. é',
    "number": Decimal("12345678901234567890.0123456789"),
    "real": 0.1,
    "good": True,
    "data": b"\x00\xff\\x",
    "token": UUID(int=7),
    "day": date(2024, 2, 29),
    "clock": time(23, 59, 59, 999999),
    "moment": datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
    "span": timedelta(days=-1, seconds=5, microseconds=7),
    "document": {"a": [1, None, 'x"'], "é": {"b": 1.5}},
    "numbers": [1, None, 3],
    "texts": ['a"b', "c,d", "", "NULL", "{e}", "f\\g"],
}
EMPTY: dict[str, Any] = {"id": 2, "words": ""}


STRAIGHT: dict[str, Any] = {"mode": Append(), "contract": "enforce"}
"""By one COPY into the table itself."""


def load(target: Target, source: OutsideSource, table: type[SQLModel] = Anything, **more: Any) -> LoadResult:
    only = Load(table=table, name="x", layer="y", source=source, **more)
    kit = Datakit(name="sources", version="1", tables=(Anything, Raw), loads=(only,))
    return run_datakit(kit, target).loads[0]


def loaded(ask: Ask, target: Target) -> list[dict[str, Any]]:
    rows = ask(target, f"SELECT {', '.join(FULL)} FROM sources.source_anything ORDER BY id")
    found = [dict(zip(FULL, row, strict=True)) for row in rows]
    for row in found:
        row["data"] = None if row["data"] is None else bytes(row["data"])  # type: ignore[call-overload]
        row["token"] = None if row["token"] is None else UUID(str(row["token"]))
    return found


NULLS: dict[str, Any] = dict.fromkeys(FULL)


@pytest.mark.parametrize("more", [{}, STRAIGHT])
def test_typed_rows_and_mappings_keep_every_value(database: Target, ask: Ask, more: dict[str, Any]) -> None:
    rows: list[Row] = [
        Anything(**FULL),
        {**NULLS, **EMPTY},
        Anything(id=3, real=math.inf),
        {"id": 4, "real": math.nan},
    ]
    source = RowSource(rows=lambda: rows, name="rows")
    assert load(database, source, **more).loaded == 4
    found = loaded(ask, database)
    assert found[:2] == [FULL, NULLS | EMPTY]
    assert found[2]["real"] == math.inf
    assert math.isnan(found[3]["real"])


def test_lines_of_json_keep_their_digits(database: Target, ask: Ask) -> None:
    text = (
        '{"id": 1, "number": 0.12345678901234567890123, "document": {"a": [1.50, null]}, "good": false}\n'
        '\n{"id": 2, "number": 1e3, "document": null}\r\n{"words": "é", "id": 3}'
    )
    columns = ("id", "number", "document", "good", "words")
    source = JsonLinesSource(open=lambda: io.BytesIO(text.encode()), name="x.jsonl", columns=columns)
    assert load(database, source).loaded == 3
    rows = ask(
        database, "SELECT id, number::text, document, good, words FROM sources.source_anything ORDER BY id"
    )
    assert rows == [
        (1, "0.12345678901234567890123", {"a": [1.5, None]}, False, None),
        (2, "1000", None, None, None),
        (3, None, None, None, "é"),
    ]


ARROW = pa.schema(
    {
        "id": pa.int64(),
        "words": pa.string(),
        "number": pa.decimal128(38, 10),
        "real": pa.float64(),
        "good": pa.bool_(),
        "data": pa.binary(),
        "day": pa.date32(),
        "clock": pa.time64("us"),
        "moment": pa.timestamp("us", tz="UTC"),
        "span": pa.duration("us"),
        "document": pa.struct({"a": pa.list_(pa.string())}),
        "numbers": pa.list_(pa.int32()),
        "texts": pa.large_list(pa.large_string()),
    }
)
IN_ARROW: dict[str, Any] = {
    **{name: value for name, value in FULL.items() if name in ARROW.names},
    "document": {"a": ["x", None, '"']},
}


@pytest.mark.parametrize("file", [True, False])
@pytest.mark.parametrize("more", [{}, STRAIGHT])
def test_arrow_and_parquet_keep_every_value(
    database: Target, ask: Ask, tmp_path: Path, file: bool, more: dict[str, Any]
) -> None:
    table = pa.Table.from_pylist([IN_ARROW, EMPTY, {"id": 3, "real": math.inf}], schema=ARROW)
    source: OutsideSource = ArrowSource(batches=lambda: table.to_batches(max_chunksize=2), name="arrow")
    if file:
        parquet.write_table(table, tmp_path / "x.parquet")
        source = ParquetSource(path=tmp_path / "x.parquet")
    assert load(database, source, **more).loaded == 3
    found = loaded(ask, database)
    assert found[0] == IN_ARROW | {"token": None}
    assert found[1] == NULLS | EMPTY
    assert found[2]["real"] == math.inf


def test_a_dictionary_of_arrow_is_its_values(database: Target, ask: Ask) -> None:
    words = pa.array(["a", "b", None, "a"]).dictionary_encode()
    table = pa.table({"id": [1, 2, 3, 4], "words": words})
    assert load(database, ArrowSource(batches=table.to_batches, name="arrow")).loaded == 4
    assert [row["words"] for row in loaded(ask, database)] == ["a", "b", None, "a"]


def test_an_empty_source_is_a_result(database: Target, tmp_path: Path) -> None:
    parquet.write_table(ARROW.empty_table(), tmp_path / "x.parquet")
    load(database, RowSource(rows=lambda: [FULL], name="rows"))
    assert load(database, ParquetSource(path=tmp_path / "x.parquet"), mode=Replace()).deleted == 1


@pytest.mark.parametrize(
    ("words", "what"),
    [("a\0b", "it holds a zero byte"), ("a\ud800", r"it holds half a character, U\+D800")],
)
def test_a_text_that_no_database_holds_is_told_by_its_row(
    database: Target, ask: Ask, words: str, what: str
) -> None:
    rows: list[Row] = [{"id": 1, "words": "fine"}, {"id": 2, "words": words}]
    with pytest.raises(ContractError, match=rf"^rows, row 2: words cannot be written: {what}"):
        load(database, RowSource(rows=lambda: rows, name="rows"))
    assert loaded(ask, database) == []


def test_a_column_that_nobody_announced_is_told_by_its_row(database: Target) -> None:
    rows: list[Row] = [{"id": 1}, {"id": 2, "words": "a"}]
    with pytest.raises(
        ContractError, match=r"^rows, row 2: the column 'words' is not among those of the first"
    ):
        load(database, RowSource(rows=lambda: rows, name="rows"))
    with pytest.raises(ContractError, match=r"the column 'colour' is not in sources.source_anything"):
        load(database, RowSource(rows=lambda: [{"id": 1, "colour": "a"}], name="rows"))


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (b'{"id": 2', "it is no JSON"),
        (b"[1]", "it is no object, but list"),
        (b'{"id": 2, "words": "\xff"}', "it is not UTF-8"),
        (b'{"id": 2, "words": "\\ud800"}', r"words cannot be written: it holds half a character"),
        (b'{"id": 2, "words": "\\u0000"}', r"words cannot be written: it holds a zero byte"),
    ],
)
def test_a_broken_line_is_told_by_its_number(database: Target, ask: Ask, line: bytes, what: str) -> None:
    text = b'{"id": 1, "words": "a"}\n\n' + line + b"\n"
    with pytest.raises(ContractError, match=rf"^x.jsonl, line 3: {what}"):
        load(database, JsonLinesSource(open=lambda: io.BytesIO(text), name="x.jsonl"))
    assert loaded(ask, database) == []


def test_a_source_that_dies_in_mid_stream_loads_nothing(database: Target, ask: Ask) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        for number in range(10_000):
            yield {"id": number}
        raise ConnectionResetError("the far end is gone")

    nothing: dict[str, Any] = {}
    for more in (nothing, STRAIGHT):
        with pytest.raises(TerminalError, match="^rows cannot be read: the far end is gone"):
            load(database, RowSource(rows=rows, name="rows"), **more)
        assert loaded(ask, database) == []


def test_a_file_that_is_no_parquet_is_told(database: Target, tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_bytes(b"no such thing")
    with pytest.raises(ContractError, match="^x.parquet is broken, or no Parquet file"):
        load(database, ParquetSource(path=tmp_path / "x.parquet"))
    with pytest.raises(TerminalError, match="^y.parquet cannot be read: .*No such file"):
        load(database, ParquetSource(path=tmp_path / "y.parquet"))


def test_what_the_table_itself_refuses_is_told_by_its_line(database: Target, ask: Ask) -> None:
    rows = [{"id": 1, "number": "1"}, {"id": 2, "number": "many"}]
    with pytest.raises(ContractError, match=r"^rows, line 3: invalid input syntax for type numeric"):
        load(database, RowSource(rows=lambda: rows, name="rows"), **STRAIGHT)
    twice = [{"id": 1}, {"id": 1}]
    with pytest.raises(
        ContractError, match=r"^rows, line 3: duplicate key .*Key \(id\)=\(1\) already exists"
    ):
        load(database, RowSource(rows=lambda: twice, name="rows"), **STRAIGHT)
    assert loaded(ask, database) == []


def test_every_source_fills_a_bronze_table(database: Target, ask: Ask) -> None:
    table = pa.table({"a": ["1", None], "b": ["", "é"]})
    sources = [
        ArrowSource(batches=table.to_batches, name="s", system="t"),
        RowSource(rows=table.to_pylist, name="s", system="t"),
    ]
    assert [load(database, source, Raw).loaded for source in sources] == [2, 0]
    rows = ask(
        database, "SELECT a, b, row_hash, extraction_method FROM sources.source_raw ORDER BY bronze_id"
    )
    assert [(a, b, bytes(h), m) for a, b, h, m in rows] == [  # type: ignore[call-overload]
        ("1", "", row_hash(["1", ""]), "api"),
        (None, "é", row_hash([None, "é"]), "api"),
    ]


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.none() | TEXT, min_size=1, max_size=6), texts=st.lists(st.none() | TEXT, max_size=3))
def test_any_text_arrives_as_it_was(
    database: Target, ask: Ask, words: list[str | None], texts: list[str | None]
) -> None:
    rows = [{"id": number, "words": word, "texts": texts} for number, word in enumerate(words)]
    load(database, RowSource(rows=lambda: rows, name="rows"), mode=Replace())
    assert [(row["words"], row["texts"]) for row in loaded(ask, database)] == [
        (word, texts) for word in words
    ]
