"""The database computes the row hash that Python does, of any row, whatever the database is."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit, Load, RowSource, run_datakit
from sqlmodel_framework.loading.row_hash import row_hash

from .conftest import Place, Raw, csv

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROW = st.tuples(st.none() | TEXT, st.none() | TEXT)

# More than SQLite passes to one function, and fewer than MariaDB takes into one row.
WIDTH = 120


class Wide(BronzeTableMixin, table=True):
    __tablename__ = "wide"
    __table_args__ = {"schema": "anywhere"}
    __annotations__ = {f"c{number}": str | None for number in range(WIDTH)}
    for _number in range(WIDTH):
        vars()[f"c{_number}"] = Field(default=None, sa_type=Text)


def source(rows: list[Any], names: tuple[str, ...] = ("a", "b"), name: str = "rows") -> RowSource:
    return RowSource(
        rows=lambda: [dict(zip(names, row, strict=True)) for row in rows], columns=names, name=name
    )


@pytest.mark.capability("load: row hashes")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=12))
@example(rows=[(None, ""), ("", None), (None, None), ("", "")])
@example(rows=[("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")])
@example(rows=[("a", "b"), ("A", "b"), ("á", "b"), ("a ", "b"), ("a", "b "), ("a\u0301", "b")])
@example(rows=[('"', "\\"), ("\r\n", "\n"), ("\r", ","), ("\\N", "NULL"), ("''", "%s"), (":a", "\ufeff")])
@example(rows=[("\U0001f600", "\ud7ff"), ("\uffff", "\U0010ffff"), ("\x01", "\x7f")])
@example(rows=[("é" * 30_000, "x" * 60_000)])
def test_rows_have_the_hash_that_python_computes(place: Place, rows: list[tuple[str | None, ...]]) -> None:
    # Each example is another source, so that none of its rows is there.
    name = str(uuid4())
    assert place.load(source(rows, name=name)).loaded == len(rows)
    found = place.read(Raw, "a", "b", "row_hash", "source_table")
    assert [each[:3] for each in found if each[3] == name] == [(*row, row_hash(row)) for row in rows]


@pytest.mark.capability("load: row hashes")
def test_the_order_of_the_hash_is_that_of_the_table_and_not_of_the_source(place: Place) -> None:
    place.load(csv("b,a\n2,1\n"))
    assert place.read(Raw, "a", "b", "row_hash") == [("1", "2", row_hash(["1", "2"]))]


@pytest.mark.capability("load: row hashes")
def test_a_row_of_many_columns_has_its_hash(place: Place) -> None:
    names = tuple(f"c{number}" for number in range(WIDTH))
    first: list[str | None] = [str(number) for number in range(WIDTH)]
    second = [None if number == 110 else value for number, value in enumerate(first)]
    load = Load(table=Wide, name="wide", layer="bronze", source=source([first, second], names))
    datakit = Datakit(name="anywhere", version="1", tables=(Wide,), loads=(load,))
    assert [run_datakit(datakit, place.target).loaded for _ in range(2)] == [2, 0]
    assert place.read(Wide, *names, "row_hash") == [(*row, row_hash(row)) for row in (first, second)]
