from sqlmodel_framework.schema.difference import differences
from sqlmodel_framework.schema.snapshot import ColumnShape, TableShape

DECLARED = TableShape({"a": ColumnShape("integer", False), "b": ColumnShape("text", True)}, ("a",))


def test_the_same_table_has_no_difference_in_whatever_order_its_columns_are() -> None:
    turned = TableShape(dict(reversed(list(DECLARED.columns.items()))), ("a",))
    assert differences("s.t", DECLARED, turned) == []


def test_every_kind_of_difference_names_the_table() -> None:
    found = TableShape({"a": ColumnShape("bigint", True), "c": ColumnShape("text", True)}, ("c", "a"))
    assert differences("s.t", DECLARED, found) == [
        "s.t.a is bigint, declared integer",
        "s.t.a is nullable, declared NOT NULL",
        "s.t lacks the column b (text)",
        "s.t has the column c, not declared",
        "s.t: the primary key is (c, a), declared (a)",
    ]


def test_something_else_in_the_tables_place_is_all_that_is_said() -> None:
    assert differences("s.t", DECLARED, TableShape({}, (), "view")) == ["s.t is a view, not a table"]
