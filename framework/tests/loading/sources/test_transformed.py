"""Rows that a function makes of others, and those of dlt, arrive as they were made; what fails is told."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import dlt
import pyarrow as pa
import pytest
from pyarrow import compute
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    ArrowSource,
    CsvSource,
    Datakit,
    DltSource,
    Load,
    RowSource,
    Target,
    TransformedSource,
    load_with_transform,
    run_datakit,
)
from sqlmodel_framework.errors import ContractError, TerminalError
from sqlmodel_framework.loading.sources import OutsideSource
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Line(SQLModel, table=True):
    __tablename__ = "transformed_line"
    id: int = Field(primary_key=True)
    words: str | None = None
    price: int | None = None


class Word(SQLModel, table=True):
    __tablename__ = "transformed_word"
    __table_args__ = {"schema": "transformed"}
    id: int = Field(primary_key=True)
    number: int = Field(primary_key=True)
    word: str | None = None


def load(target: Target, source: OutsideSource, table: type[SQLModel] = Word) -> LoadResult:
    loads = (Load(table=table, name="words", layer="silver", source=source),)
    kit = Datakit(name="transformed", version="1", tables=(Word,), loads=loads)
    return run_datakit(kit, target).loads[0]


WORDS = "SELECT id, number, word FROM transformed.transformed_word ORDER BY id, number"


def words_of(line: Line) -> list[Word]:
    return [
        Word(id=line.id, number=number, word=word) for number, word in enumerate((line.words or "").split())
    ]


def csv_of(text: str) -> CsvSource:
    return CsvSource(open=lambda: io.BytesIO(text.encode()), name="lines.csv", null="", system="shop")


def test_a_function_of_typed_rows_makes_none_one_or_many(database: Target, ask: Ask) -> None:
    lines = csv_of('id,words,price\n1,"a b c",1\n2,"",\n3,d,3\n')
    source = TransformedSource(of=lines, row=words_of, reads=Line)
    done = load(database, source)
    assert ask(database, WORDS) == [(1, 0, "a"), (1, 1, "b"), (1, 2, "c"), (3, 0, "d")]
    same = load_with_transform(Word, source.of, words_of, reads=Line, name="words", layer="silver")
    assert (same.source, same.table) == (source, Word)
    assert (done.read, source.name, source.system) == (4, "lines.csv", "shop")


def test_a_row_that_cannot_be_read_or_made_is_told(database: Target, ask: Ask) -> None:
    broken = TransformedSource(of=csv_of("id,price\n1,1\n2,two\n"), row=words_of, reads=Line)
    with pytest.raises(ContractError, match=r"lines\.csv, row 2: price: Input should be a valid integer"):
        load(database, broken)

    def fail(line: Line) -> None:
        raise KeyError(line.id)

    with pytest.raises(ContractError, match=r"lines\.csv, row 1: the transformation failed: KeyError: 7"):
        load(database, TransformedSource(of=csv_of("id\n7\n"), row=fail, reads=Line))
    with pytest.raises(ContractError, match=r"the column 'colour' is not in Line"):
        load(database, TransformedSource(of=csv_of("id,colour\n7,red\n"), row=words_of, reads=Line))
    assert ask(database, "SELECT count(*) FROM transformed.transformed_word") == [(0,)]


SCHEMA = pa.schema([("id", pa.int64()), ("number", pa.int64()), ("word", pa.string())])


def shouted(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.set_column(2, "word", compute.utf8_upper(batch.column(2)))


def test_a_function_of_batches_keeps_rows_in_columns(database: Target, ask: Ask) -> None:
    batches = [
        pa.RecordBatch.from_pylist([{"id": n, "number": 0, "word": "é"}], schema=SCHEMA) for n in range(3)
    ]
    source = TransformedSource(of=ArrowSource(batches=lambda: batches, name="lines"), batch=shouted)
    assert load(database, source).read == 3
    assert ask(database, WORDS) == [(0, 0, "É"), (1, 0, "É"), (2, 0, "É")]


def test_a_transformation_that_does_not_fit_is_told(database: Target) -> None:
    rows = RowSource(rows=lambda: [{"id": 1}], name="rows")
    wrong: list[dict[str, Any]] = [{}, {"row": words_of}, {"row": words_of, "reads": Line, "batch": shouted}]
    for given in wrong:
        with pytest.raises(TerminalError, match="a transformation of rows needs"):
            TransformedSource(of=rows, **given)
    with pytest.raises(TerminalError, match="rows does not come in columns"):
        load(database, TransformedSource(of=rows, batch=shouted))


def objects() -> Iterator[Any]:
    yield {"id": 1, "number": 1, "word": "a"}
    yield [{"id": 2, "number": 1, "word": None}, {"id": 3, "number": 1, "word": ""}]


def columns() -> Iterator[Any]:
    yield pa.Table.from_pylist([{"id": 1, "number": 1, "word": "a"}], schema=SCHEMA)
    yield pa.RecordBatch.from_pylist(
        [{"id": 2, "number": 1, "word": None}, {"id": 3, "number": 1, "word": ""}], schema=SCHEMA
    )


@pytest.mark.parametrize("yielded", [objects, columns])
def test_a_resource_of_dlt_is_a_source(
    database: Target, ask: Ask, yielded: Callable[[], Iterator[Any]]
) -> None:
    resource = dlt.resource(yielded, name="words")
    for loaded in (3, 0):
        assert load(database, DltSource(resource=lambda: resource(), name="words")).loaded == loaded
    assert ask(database, WORDS) == [(1, 1, "a"), (2, 1, None), (3, 1, "")]


def test_what_is_neither_rows_nor_arrow_is_told(database: Target) -> None:
    with pytest.raises(ContractError, match="words yields a int, which is neither"):
        load(database, DltSource(resource=lambda: [{"id": 1, "number": 1}, 7], name="words"))
    mixed = [pa.RecordBatch.from_pylist([], schema=SCHEMA), {"id": 1}]
    with pytest.raises(ContractError, match="yields Arrow first, and then a dict"):
        load(database, DltSource(resource=lambda: mixed, name="words"))
    assert load(database, DltSource(resource=lambda: [], name="words")).read == 0
