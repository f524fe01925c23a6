import csv
import io

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.loading.csv_text import csv_record, write_csv

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_null_and_empty_differ() -> None:
    assert csv_record(["JFK", None, ""]) == '"JFK",,""\n'


@given(st.integers(1, 3).flatmap(lambda n: st.lists(st.lists(TEXT, min_size=n, max_size=n), max_size=5)))
def test_what_is_written_is_read_again(rows: list[list[str]]) -> None:
    file = io.BytesIO()
    header = ["a,b", 'c"d', "e\nf"][: len(rows[0]) if rows else 1]
    write_csv(file, header, rows)
    text = file.getvalue().decode()
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == [header, *rows]
