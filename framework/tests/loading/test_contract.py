import enum
from typing import Annotated, Literal

import pytest
from pydantic import StringConstraints
from sqlalchemy import Text, UniqueConstraint
from sqlmodel import Field, SQLModel
from sqlmodel_framework.loading.contract import contract_of


class Color(enum.StrEnum):
    RED = "r"
    BLUE = "b"


class Parent(SQLModel, table=True):
    __table_args__ = {"schema": "contract_test"}
    id: int = Field(primary_key=True)


class Everything(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("b", "c"), {"schema": "contract_test"})
    a: int = Field(primary_key=True, ge=1, le=9)
    b: float = Field(gt=0, lt=1)
    c: str = Field(min_length=2, max_length=4)
    d: str = Field(regex="^x")
    e: Annotated[str, StringConstraints(pattern="^y", max_length=3)]
    f: str = Field(schema_extra={"pattern": "^z"})
    g: Literal["p", "q"] | None = Field(default=None, sa_type=Text)
    h: Color = Field(sa_type=Text)
    i: Color
    j: int = Field(multiple_of=5, foreign_key="contract_test.parent.id")
    k: str | None = Field(default=None, max_length=2, sa_column_kwargs={"name": "other name"})


ALL = [column.name for column in SQLModel.metadata.tables["contract_test.everything"].columns]


def test_every_bound_of_a_field_is_found() -> None:
    assert [bound.reason for bound in contract_of(Everything, ALL).bounds] == [
        "a is not >= 1",
        "a is not <= 9",
        "b is not > 0",
        "b is not < 1",
        "c is shorter than 2 characters",
        "c is longer than 4 characters",
        "d does not match ^x",
        "e is longer than 3 characters",
        "e does not match ^y",
        "f does not match ^z",
        "g is not one of p, q",
        "h is not one of r, b",
        "j is not a multiple of 5",
        "other name is longer than 2 characters",
    ]


def test_keys_and_parents_are_found() -> None:
    contract = contract_of(Everything, ALL)
    assert contract.keys == (("a",), ("b", "c"))
    assert [parent.reason for parent in contract.parents] == ["j is not in contract_test.parent.id"]


@pytest.mark.parametrize("offered", [["a"], ["b"], ["c", "j"]])
def test_what_is_not_offered_cannot_be_broken(offered: list[str]) -> None:
    contract = contract_of(Everything, offered)
    assert [column.name for column in contract.columns] == offered
    assert {bound.column for bound in contract.bounds} <= set(offered)
    assert all(set(key) <= set(offered) for key in contract.keys)
