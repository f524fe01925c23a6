import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, CsvSource, Datakit, DatakitError, Load, Target, run_datakit
from sqlmodel_framework.loading.csv_file import CHUNK, CsvRows
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Row(BronzeTableMixin, table=True):
    __tablename__ = "csv_row"
    __table_args__ = {"schema": "csv_test"}
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


def source(content: bytes, null: str | None = None) -> CsvSource:
    return CsvSource(open=lambda: io.BytesIO(content), name="rows.csv", system="test", null=null)


def load(target: Target, content: bytes, null: str | None = None) -> LoadResult:
    only = Load(table=Row, name="rows", layer="bronze", source=source(content, null))
    return run_datakit(Datakit(name="csv", version="1", tables=(Row,), loads=(only,)), target).loads[0]


def rows(target: Target, ask: Ask) -> list[tuple[object, ...]]:
    return ask(target, "SELECT a, b FROM csv_test.csv_row ORDER BY bronze_id")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a,b\n1,2\n3,4,5\n", "rows.csv, line 3: it has more fields than the header"),
        (b"a,b\n1,2\n3\n", "rows.csv, line 3: it has fewer fields than the header"),
        (b'a,b\n1,2\n3,"4\n', "rows.csv, line 3: a quote that is opened here is never closed"),
        (b'a,b\n1,2\n3,"4\n5,6\n7,8\n', "rows.csv, line 3: a quote that is opened here is never closed"),
        (b'a,b\n1,"x\ny\nz"\n3,4,5\n', "rows.csv, line 5: it has more fields than the header"),
        (b'"a","b"\r\n1,2\r\n3\r\n', "rows.csv, line 3: it has fewer fields than the header"),
        (b"a,b\n1,2\n3,\xff\n", "rows.csv, line 3: it is not UTF-8"),
        (b"a,b\n1,2\n3,x\0y\n", "rows.csv, line 3: it holds a zero byte"),
        (b"a,b\n1,2\n3,4\r\n", "rows.csv, line 3: its line end differs from that of the lines before"),
        (b"", "rows.csv, line 1: the header line is missing"),
        (b"\n1,2\n", "rows.csv, line 1: the header line is missing"),
        (b"a,\xff\n1,2\n", "rows.csv, line 1: the header is not UTF-8"),
        (b"a,b\0\n1,2\n", "rows.csv, line 1: the header holds a zero byte"),
        (b'"a"x,b\n1,2\n', "rows.csv, line 1: the header cannot be read: ',' expected after '\"'"),
        (b"a\n1\n", "rows.csv, line 1: the header does not fit: the column b is missing"),
        (b"a,b,c,d\n", "the column 'c' is not in csv_test.csv_row; the column 'd' is not in"),
        (b"a,b,b\n", "the header does not fit: the column b comes twice"),
        (b"a;b\n1;2\n", "the column a is missing; the column b is missing; the column 'a;b' is not in"),
    ],
)  # fmt: skip
def test_a_broken_file_is_one_line_with_its_place_and_loads_nothing(
    datakit_target: Target, ask: Ask, content: bytes, expected: str
) -> None:
    load(datakit_target, b"a,b\n")
    before = rows(datakit_target, ask)
    with pytest.raises(DatakitError) as caught:
        load(datakit_target, content)
    assert expected in caught.value.message
    assert caught.value.exit_code == 65
    assert "\n" not in caught.value.message
    assert rows(datakit_target, ask) == before


def test_a_broken_row_far_behind_in_a_long_file_is_found(database: Target, ask: Ask) -> None:
    lines = [b"%d,%d\n" % (number, number) for number in range(200_000)]
    lines[150_000] = b"only one\n"
    with pytest.raises(DatakitError, match=r"rows\.csv, line 150002: it has fewer fields"):
        load(database, b"a,b\n" + b"".join(lines))
    assert rows(database, ask) == []


def test_a_file_with_a_header_only_is_a_valid_nothing(database: Target) -> None:
    for content in (b"a,b\n", b"a,b", b"\xef\xbb\xbfa,b\r\n"):
        result = load(database, content)
        assert (result.read, result.accepted, result.rejected, result.loaded) == (0, 0, 0, 0)


def test_values_are_kept_as_they_come(database: Target, ask: Ask) -> None:
    load(database, 'b,a\n"say ""hi""",  padded \n,""\nNA,"two\nlines"\nnull,\\N\né,"1,5"\n'.encode())
    assert rows(database, ask) == [
        ("  padded ", 'say "hi"'),
        ("", ""),
        ("two\nlines", "NA"),
        ("\\N", "null"),
        ("1,5", "é"),
    ]


def test_a_text_for_null_is_null_where_it_is_not_in_quotes(database: Target, ask: Ask) -> None:
    load(database, b'a,b\nNA,"NA"\n,x\n', null="NA")
    assert rows(database, ask) == [(None, "NA"), ("", "x")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_kind_of_line_end_works_with_and_without_the_last(
    database: Target, ask: Ask, end: bytes
) -> None:
    load(database, end.join([b"a,b", b"1,2", b"3,4"]))
    load(database, end.join([b"a,b", b"5,6", b""]))
    assert rows(database, ask) == [("1", "2"), ("3", "4"), ("5", "6")]


def test_a_line_that_would_end_an_older_servers_copy_is_kept_by_this_one(database: Target, ask: Ask) -> None:
    load(database, b'a,b\n1,"\n\\.\n"\n2,x\n')
    assert rows(database, ask) == [("1", "\n\\.\n"), ("2", "x")]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_line_that_would_end_an_older_servers_copy_is_refused_for_it(size: int) -> None:
    content = b"a,b\n1,2\n3\\.\n4,5\n\\.\n6,7\n"
    reading = CsvRows(io.BytesIO(content), source(content), lambda _bytes: None)
    reading.refuse_end_of_copy = True
    with pytest.raises(DatakitError, match=r"rows\.csv, line 5: a line that holds only \\\."):
        list(iter(lambda: reading.read(size), b""))
    assert isinstance(reading.error, DatakitError)


class Failing(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise OSError("the disk is gone")
        return data


def test_a_file_that_cannot_be_read_to_its_end_loads_nothing(database: Target, ask: Ask) -> None:
    def failing() -> BinaryIO:
        return Failing(b"a,b\n1,2\n")

    only = Load(
        table=Row, name="rows", layer="x", source=CsvSource(open=failing, name="rows.csv", system="t")
    )
    kit = Datakit(name="csv", version="1", tables=(Row,), loads=(only,))
    with pytest.raises(DatakitError, match=r"rows\.csv cannot be read: the disk is gone"):
        run_datakit(kit, database)
    assert rows(database, ask) == []


def test_a_file_that_is_not_there_is_one_line(database: Target, tmp_path: Path) -> None:
    missing = CsvSource(open=(tmp_path / "no.csv").open, name="no.csv", system="t")  # type: ignore[arg-type]
    only = Load(table=Row, name="rows", layer="x", source=missing)
    with pytest.raises(DatakitError, match=r"no\.csv cannot be opened: No such file or directory"):
        run_datakit(Datakit(name="csv", version="1", tables=(Row,), loads=(only,)), database)


def test_memory_is_bounded_by_the_chunk_and_not_by_the_file(database: Target) -> None:
    sizes: list[int] = []

    class Endless(io.RawIOBase):
        left = 10

        def read(self, size: int = -1, /) -> bytes:
            sizes.append(size)
            self.left -= 1
            return b"x,y\n" * (size // 4) if self.left else b""

    class WithHeader(io.BytesIO):
        endless = Endless()

        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(size) or self.endless.read(size or -1)

    only = Load(
        table=Row,
        name="rows",
        layer="x",
        source=CsvSource(open=lambda: WithHeader(b"a,b\n"), name="rows.csv", system="t"),
    )
    run_datakit(Datakit(name="csv", version="1", tables=(Row,), loads=(only,)), database)
    assert set(sizes) == {CHUNK}


CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=st.lists(st.tuples(CELL, CELL), max_size=6))
def test_whatever_a_csv_writer_writes_is_read_back(
    datakit_target: Target, ask: Ask, table: list[tuple[str, str]]
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(("a", "b"))
    writer.writerows(table)
    load(datakit_target, b"a,b\n")
    ask(datakit_target, "TRUNCATE csv_test.csv_row")
    load(datakit_target, text.getvalue().encode())
    assert rows(datakit_target, ask) == table
