import io
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import JSON, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    CsvSource,
    Datakit,
    DatakitError,
    Load,
    ReferenceTableMixin,
    TableSource,
    Target,
    run_datakit,
)
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "write_raw"
    __table_args__ = {"schema": "writing"}
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __tablename__ = "write_item"
    __table_args__ = {"schema": "writing"}
    part: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    label: str | None = None
    extra: dict[str, int] | None = Field(default=None, sa_type=JSON)
    stock: int = Field(default=7)


class Surrogate(SQLModel, table=True):
    __tablename__ = "write_surrogate"
    __table_args__ = {"schema": "writing"}
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    label: str | None = None


class PythonDefault(SQLModel, table=True):
    __tablename__ = "write_python_default"
    __table_args__ = {"schema": "writing"}
    code: str = Field(primary_key=True)
    token: UUID = Field(default_factory=uuid4)


class Copy(ReferenceTableMixin, table=True):
    __tablename__ = "write_copy"
    __table_args__ = {"schema": "writing"}
    part: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    label: str | None = None


TABLES = (Raw, Item, Surrogate, PythonDefault, Copy)


def load(
    target: Target, table: type[SQLModel], text: str, name: str = "x.csv", null: str | None = ""
) -> LoadResult:
    opened = CsvSource(open=lambda: io.BytesIO(text.encode()), name=name, system="t", host="h", null=null)
    only = Load(table=table, name="x", layer="y", source=opened)
    return run_datakit(Datakit(name="writing", version="1", tables=TABLES, loads=(only,)), target).loads[0]


def test_a_second_load_of_the_same_rows_writes_none(database: Target) -> None:
    text = "a,b\n1,x\n2,\n"
    assert load(database, Raw, text).loaded == 2
    again = load(database, Raw, text)
    assert (again.read, again.accepted, again.loaded) == (2, 2, 0)


def test_equal_rows_of_one_file_stay_as_many_as_they_are(database: Target, ask: Ask) -> None:
    assert load(database, Raw, "a,b\n1,x\n1,x\n").loaded == 2
    assert load(database, Raw, "a,b\n1,x\n1,x\n1,x\n2,y\n").loaded == 2
    assert load(database, Raw, "a,b\n1,x\n").loaded == 0
    assert ask(database, "SELECT a, count(*) FROM writing.write_raw GROUP BY a ORDER BY a") == [
        ("1", 3),
        ("2", 1),
    ]


def test_the_same_row_of_another_source_is_another_row(database: Target) -> None:
    assert load(database, Raw, "a,b\n1,x\n", name="one.csv").loaded == 1
    assert load(database, Raw, "a,b\n1,x\n", name="two.csv").loaded == 1


def test_a_bronze_row_says_where_it_came_from(database: Target, ask: Ask) -> None:
    load(database, Raw, "b,a\nx,\n")
    rows = ask(
        database,
        "SELECT source_system, source_table, source_host, extraction_method, a, b, "
        "loaded_at > now() - interval '1 hour', run_id = (SELECT run_id FROM datakit.run), "
        "encode(row_hash, 'hex') FROM writing.write_raw",
    )
    assert rows == [("t", "x.csv", "h", "file", None, "x", True, True, row_hash([None, "x"]).hex())]


def test_a_null_and_an_empty_text_are_different_rows(database: Target) -> None:
    assert load(database, Raw, "a,b\n1,\n", null="").loaded == 1
    assert load(database, Raw, "a,b\n1,\n", null=None).loaded == 1


def test_merging_inserts_what_is_new_and_updates_what_differs(database: Target, ask: Ask) -> None:
    assert load(database, Item, "part,number,label\na,1,one\na,2,two\nb,1,\n").loaded == 3
    result = load(database, Item, "part,number,label\na,1,one\na,2,TWO\nb,1,x\nc,1,new\n")
    assert (result.read, result.accepted, result.loaded) == (4, 4, 3)
    rows = ask(database, "SELECT part, number, label, stock FROM writing.write_item ORDER BY 1, 2")
    assert rows == [("a", 1, "one", 7), ("a", 2, "TWO", 7), ("b", 1, "x", 7), ("c", 1, "new", 7)]


def test_merging_the_same_again_touches_no_row(database: Target, ask: Ask) -> None:
    text = 'part,number,label,extra\na,1,one,"{""k"": 1}"\na,2,,\n'
    load(database, Item, text)
    before = ask(
        database, "SELECT ctid::text, xmin::text, xmax::text, updated_at FROM writing.write_item ORDER BY 1"
    )
    assert load(database, Item, text).loaded == 0
    after = ask(
        database, "SELECT ctid::text, xmin::text, xmax::text, updated_at FROM writing.write_item ORDER BY 1"
    )
    assert after == before


def test_an_update_moves_updated_at_and_leaves_what_is_not_offered(database: Target, ask: Ask) -> None:
    load(database, Item, "part,number,label\na,1,one\nb,1,one\n")
    ask(database, "UPDATE writing.write_item SET stock = 99")
    times = "SELECT updated_at FROM writing.write_item ORDER BY part"
    before = ask(database, times)
    load(database, Item, "part,number,label\na,1,two\nb,1,one\n")
    after = ask(database, times)
    assert [one < two for one, two in zip(before, after, strict=True)] == [True, False]
    assert ask(database, "SELECT part, stock FROM writing.write_item ORDER BY part") == [("a", 99), ("b", 99)]


def test_a_value_can_become_null(database: Target, ask: Ask) -> None:
    load(database, Item, "part,number,label\na,1,one\n")
    assert load(database, Item, "part,number,label\na,1,\n").loaded == 1
    assert ask(database, "SELECT label FROM writing.write_item") == [(None,)]


def test_a_generated_key_gives_way_to_a_unique_one(database: Target, ask: Ask) -> None:
    assert load(database, Surrogate, "code,label\nx,1\ny,2\n").loaded == 2
    assert load(database, Surrogate, "code,label\nx,1\ny,3\nz,4\n").loaded == 2
    rows = ask(database, "SELECT code, label FROM writing.write_surrogate ORDER BY code")
    assert rows == [("x", "1"), ("y", "3"), ("z", "4")]


def test_rows_without_a_whole_key_are_refused(database: Target) -> None:
    with pytest.raises(DatakitError, match="line 1: the header does not fit: the column number is missing"):
        load(database, Item, "part,label\na,one\n")
    with pytest.raises(DatakitError, match="header does not fit: the column code is missing"):
        load(database, Surrogate, "label\na\n")


def test_a_default_that_only_python_can_make_is_refused(database: Target) -> None:
    with pytest.raises(DatakitError, match="does not offer token, whose default is made in Python"):
        load(database, PythonDefault, "code\na\n")


def test_the_tables_statistics_are_fresh_after_a_load(database: Target, ask: Ask) -> None:
    load(database, Item, "part,number\n" + "".join(f"a,{number}\n" for number in range(500)))
    assert ask(database, "SELECT reltuples FROM pg_class WHERE relname = 'write_item'") == [(500.0,)]


def test_a_copy_of_a_table_has_times_of_its_own_but_the_same_validity(database: Target, ask: Ask) -> None:
    load(database, Item, "part,number,label\na,1,one\nb,1,two\n")
    ask(
        database,
        "UPDATE writing.write_item SET created_at = '2020-01-01', loaded_at = '2020-01-01', "
        "updated_at = '2020-01-01', inactivated_at = '2024-01-01Z' WHERE part = 'a'",
    )
    only = Load(table=Copy, name="copy", layer="y", source=TableSource(Item))
    kit = Datakit(name="writing", version="1", tables=TABLES, loads=(only,))
    assert run_datakit(kit, database).loads[0].loaded == 2
    recent = "created_at > '2021-01-01' AND loaded_at > '2021-01-01' AND updated_at > '2021-01-01'"
    assert ask(
        database, f"SELECT part, {recent}, inactivated_at IS NULL FROM writing.write_copy ORDER BY part"
    ) == [("a", True, False), ("b", True, True)]
