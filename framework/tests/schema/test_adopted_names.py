"""Whatever a database calls its things, there is a name for them in Python."""

import enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.schema.adopted_names import class_name, field_name, free_name, member_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("id", "id"),
        ("Order", "Order"),
        ("class", "class_"),
        ("_private", "private"),
        ("2nd", "column_2nd"),
        ("a-b c", "a_b_c"),
        ("größe", "größe"),
        ("ﬁ", "fi"),
        ("m²", "m2"),
        ("_", "column"),
        ("%%%%", "column"),
    ],
)
def test_a_field_is_called_as_its_column_where_that_is_a_name(name: str, expected: str) -> None:
    assert field_name(name) == expected


def test_classes_and_members_are_called_as_python_calls_them() -> None:
    assert class_name("order_line") == "OrderLine"
    assert class_name("Mixed Case") == "MixedCase"
    assert class_name("crm", "2nd") == "Crm2nd"
    assert class_name("2nd") == "Table2nd"
    assert [member_name(each) for each in ("in progress", "", "2nd", "_x_")] == [
        "IN_PROGRESS",
        "EMPTY",
        "VALUE_2ND",
        "X",
    ]


def test_a_name_that_is_taken_gets_as_little_as_possible() -> None:
    assert free_name("a", {"b"}) == "a"
    assert free_name("a", {"a"}) == "a_"
    assert free_name("a", {"a", "a_"}) == "a_2"
    assert free_name("a", {"a", "a_", "a_2", "a_3"}) == "a_4"


@given(st.text(min_size=1, max_size=12))
def test_any_text_gives_names_that_python_takes(text: str) -> None:
    field, cls, member = field_name(text), class_name(text), member_name(text)
    assert all(each.isidentifier() and not each.startswith("_") for each in (field, cls, member))
    for name in (field, cls):
        names: dict[str, object] = {}
        exec(f"class {name}:\n    {name} = 1", names)
        assert name in vars(names[name])
    make: Any = enum.Enum
    made: Any = make("E", {member: text})
    assert [each.value for each in made] == [text]
