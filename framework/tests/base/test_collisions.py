"""Mixins in any order and number: they make one table, or are refused with both names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import BaseMixin, DatakitError, ReferenceTableMixin, TransactionalTableMixin, column
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.errors import DeclarationError

TYPES: dict[str, Any] = {"int": int, "str": str, "float": float, "maybe": int | None}


def make_class(name: str, bases: tuple[type, ...], fields: dict[str, tuple[Any, Any]], **options: Any) -> Any:
    content = {
        "__module__": __name__,
        "__qualname__": name,
        "__annotations__": {field: annotation for field, (annotation, _) in fields.items()},
        **{field: made for field, (_, made) in fields.items()},
    }
    make: Any = type(SQLModel)
    return make(name, bases, content, **options)


def make_table(*mixins: type, **fields: tuple[Any, Any]) -> Any:
    apart = make_class("Apart", (BaseMixin,), {}, registry=registry())
    return make_class("Made", (*mixins, apart), {"key": (str, Field(primary_key=True)), **fields}, table=True)


declared = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.sampled_from(sorted(TYPES)), max_size=3)


@given(mixins=st.lists(declared, min_size=1, max_size=5), data=st.data())
def test_any_mixins_make_a_table_of_their_own_unless_two_of_them_disagree(
    mixins: list[dict[str, str]], data: st.DataObject
) -> None:
    classes = [
        make_class(
            f"Mixin{number}",
            (BaseMixin,),
            {name: (TYPES[kind], Field(default=None, nullable=True)) for name, kind in fields.items()},
        )
        for number, fields in enumerate(mixins)
    ]
    order = data.draw(st.permutations(classes))
    kinds: dict[str, set[str]] = {}
    for fields in mixins:
        for name, kind in fields.items():
            kinds.setdefault(name, set()).add(kind)
    disputed = {name for name, found in kinds.items() if len(found) > 1}
    if disputed:
        with pytest.raises(DeclarationError, match=r"Mixin\d .*Mixin\d both declare the column") as caught:
            make_table(*order)
        assert caught.value.column in disputed
        return
    first, second = make_table(*order), make_table(*reversed(order))
    names = {"key", *kinds}
    assert set(table_of(first).columns.keys()) == set(table_of(second).columns.keys()) == names
    columns = [*table_of(first).columns, *table_of(second).columns]
    assert len({id(column) for column in columns}) == 2 * len(names)
    assert len({id(column.info) for column in columns}) == 2 * len(names)


class Priced(BaseMixin):
    amount: int


class Measured(BaseMixin):
    amount: float


def test_a_column_of_two_mixins_with_two_types_is_refused_with_both_names() -> None:
    for mixins in ((Priced, Measured), (Measured, Priced)):
        with pytest.raises(DatakitError) as caught:
            make_table(*mixins)
        assert "Priced" in caught.value.message
        assert "Measured" in caught.value.message
        assert caught.value.column == "amount"
        assert caught.value.exit_code == 64


def test_two_mixins_are_refused_together_before_a_table_uses_them() -> None:
    with pytest.raises(DeclarationError, match="both declare the column amount"):
        make_class("Both", (Priced, Measured), {})


def test_a_class_may_decide_what_its_parents_do_not_agree_on() -> None:
    made = make_table(Priced, Measured, amount=(str, Field(sa_type=Text)))
    assert isinstance(table_of(made).c.amount.type, Text)


def test_a_mixin_may_change_a_column_of_its_own_parent() -> None:
    finer = make_class("Finer", (Priced,), {"amount": (float, ...)})
    assert "amount" in table_of(make_table(finer)).columns


def test_one_annotation_with_two_sql_types_is_a_collision() -> None:
    short = make_class("Short", (BaseMixin,), {"note": (str, Field(max_length=5))})
    long = make_class("Long", (BaseMixin,), {"note": (str, Field(max_length=50))})
    with pytest.raises(DeclarationError, match="both declare the column note"):
        make_table(short, long)


def test_two_fields_for_one_column_are_a_collision() -> None:
    one = make_class("One", (BaseMixin,), {"first": (str, column(name="shared"))})
    two = make_class("Two", (BaseMixin,), {"second": (str, column(name="shared"))})
    with pytest.raises(DeclarationError, match="both declare the column shared"):
        make_table(one, two)


def test_mixins_that_share_a_parent_do_not_collide() -> None:
    made = make_table(ReferenceTableMixin, TransactionalTableMixin)
    assert list(table_of(made).columns.keys()).count("created_at") == 1


def test_a_key_may_be_inherited_and_composite() -> None:
    part = make_class("Part", (BaseMixin,), {"part": (str, Field(primary_key=True))})
    number = make_class("Number", (BaseMixin,), {"number": (int, Field(primary_key=True))})
    for mixins in ((part, number), (number, part)):
        for _ in range(2):
            made = table_of(make_table(*mixins))
            assert {item.name for item in made.primary_key.columns} == {"key", "part", "number"}
