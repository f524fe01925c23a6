import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import CsvSource
from sqlmodel_framework.errors import ContractError, TerminalError
from sqlmodel_framework.loading import csv_records
from sqlmodel_framework.loading.csv_file import open_csv
from sqlmodel_framework.loading.csv_records import read_records
from sqlmodel_framework.loading.csv_text import write_csv

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def records(
    content: bytes, null: str | None = "", names: tuple[str, ...] = ("a", "b")
) -> list[list[str | None]]:
    source = CsvSource(open=lambda: io.BytesIO(content), name="rows.csv", system="s", null=null)
    with open_csv(source, "t", ["a", "b"], ["a", "b"], lambda _bytes: None) as rows:
        return list(read_records(rows, source))


@given(rows=st.lists(st.lists(st.none() | TEXT, min_size=2, max_size=2)), chunk=st.integers(1, 7))
def test_what_is_written_is_read_again_however_it_is_cut(rows: list[list[str | None]], chunk: int) -> None:
    file = io.BytesIO()
    write_csv(file, ["a", "b"], rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_records, "CHUNK", chunk)
        assert records(file.getvalue()) == rows


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2)), st.sampled_from(["\n", "\r\n"]))
def test_any_csv_writer_is_understood(rows: list[list[str]], line_end: str) -> None:
    text = io.StringIO(newline="")
    # By itself the writer puts no quotes around a carriage return.
    writer = csv.writer(text, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    writer.writerows([["a", "b"], *rows])
    assert records(text.getvalue().encode(), null=None) == rows


def test_a_text_for_null_is_null_where_it_is_not_in_quotes() -> None:
    assert records(b'a,b\nNA,"NA"\n', null="NA") == [[None, "NA"]]
    assert records(b"a,b\n,x\n", null=None) == [["", "x"]]


@pytest.mark.parametrize("content", [b"a,b\n1,2\n3,4", b"a,b\r\n1,2\r\n3,4\r\n", b"a,b\r1,2\r3,4\r"])
def test_every_kind_of_line_end_works_with_and_without_the_last(content: bytes) -> None:
    assert records(content) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"1,2,3\n", "line 3: it has more fields than the header"),
        (b"1\n", "line 3: it has fewer fields than the header"),
        (b'1,"2\n', "line 3: a quote that is opened here is never closed"),
        (b'1,2"3\n', "line 3: a quote stands inside of a value"),
        (b'"1"2,3\n', "line 3: a quote stands inside of a value"),
        (b"1,2\r3,4\n", "line 3: its line end differs from that of the lines before"),
        (b"1,\xff\n", "line 3: it is not UTF-8"),
        (b"1,\0\n", "line 3: it holds a zero byte"),
        (b'"x\ny",1\n1\n', "line 5: it has fewer fields than the header"),
    ],
)
def test_a_broken_record_is_one_line_with_its_place(rest: bytes, expected: str) -> None:
    with pytest.raises(ContractError) as caught:
        records(b"a,b\n1,2\n" + rest)
    assert caught.value.message == f"rows.csv, {expected}"


def test_a_file_that_cannot_be_read_to_its_end_is_one_line() -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError("the disk is gone")
            return data

    source = CsvSource(open=lambda: Broken(b"a\n1\n"), name="rows.csv", system="s")
    with (
        open_csv(source, "t", ["a"], ["a"], lambda _bytes: None) as rows,
        pytest.raises(TerminalError, match=r"rows\.csv cannot be read: the disk is gone"),
    ):
        list(read_records(rows, source))
