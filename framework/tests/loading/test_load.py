import io

import pytest
from sqlalchemy import Text
from sqlmodel import Field, SQLModel, select
from sqlmodel_framework import (
    BronzeTableMixin,
    CsvSource,
    DatakitError,
    Load,
    QuerySource,
    Reference,
    TableSource,
    Unique,
)


class LoadRaw(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "load_test"}
    a: str = Field(sa_type=Text)


class LoadTyped(SQLModel, table=True):
    __table_args__ = {"schema": "load_test"}
    a: int = Field(primary_key=True)


CSV = CsvSource(open=lambda: io.BytesIO(b"a\n"), name="a.csv", system="s")


def test_a_bronze_table_takes_files_only() -> None:
    for source in (TableSource(LoadTyped), QuerySource(select(LoadTyped.a))):
        with pytest.raises(DatakitError, match="a bronze table is loaded from outside of the target"):
            Load(table=LoadRaw, name="x", layer="bronze", source=source)


def test_a_bronze_table_takes_no_rules() -> None:
    rule = Unique(columns=("a",), on_duplicate="keep", because="why")
    with pytest.raises(DatakitError, match="takes no rules"):
        Load(table=LoadRaw, name="x", layer="bronze", source=CSV, rules=(rule,))


def test_a_rule_about_an_unknown_column_is_refused() -> None:
    rule = Reference(column="b", to=LoadTyped.a, on_missing="keep", because="why")
    with pytest.raises(DatakitError, match=r"'x' .*the column 'b', which is not in load_test\.loadtyped"):
        Load(table=LoadTyped, name="x", layer="silver", source=CSV, rules=(rule,))


def test_what_is_no_table_or_no_source_is_refused() -> None:
    with pytest.raises(DatakitError, match="SQLModel is not a table"):
        Load(table=SQLModel, name="x", layer="silver", source=CSV)
    with pytest.raises(DatakitError, match="the source must be"):
        Load(table=LoadTyped, name="x", layer="silver", source="a.csv")  # type: ignore[arg-type]


def test_a_rule_is_told_by_its_text() -> None:
    reference = Reference(column="a", to=LoadTyped.a, on_missing="keep", because="some are unknown")
    assert reference.text == "a is not in load_test.loadtyped.a: some are unknown"
    unique = Unique(columns=("a", "b"), on_duplicate="keep", because="clocks go back")
    assert unique.text == "(a, b) comes more than once: clocks go back"


def test_a_rule_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(DatakitError, match='must be "keep" or "quarantine", not \'drop\''):
        Reference(column="a", to=LoadTyped.a, on_missing="drop", because="x")  # type: ignore[arg-type]
    with pytest.raises(DatakitError, match="must be a column"):
        Reference(column="a", to="load_typed.a", on_missing="keep", because="x")
    with pytest.raises(DatakitError, match="must be a tuple"):
        Unique(columns="ab", on_duplicate="keep", because="x")  # type: ignore[arg-type]
