from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.schema.difference import differences
from sqlmodel_framework.schema.snapshot import (
    CheckShape,
    ColumnShape,
    ForeignKeyShape,
    Grant,
    IndexShape,
    Snapshot,
    TableShape,
)

TABLE = TableShape({"a": ColumnShape("integer", False), "b": ColumnShape("text")}, ("a",))


def found(have: TableShape | None, want: TableShape | None) -> list[str]:
    def snapshot(shape: TableShape | None) -> Snapshot:
        return Snapshot(tables={} if shape is None else {"s.t": shape})

    return [str(each) for each in differences(snapshot(have), snapshot(want))]


def test_the_same_table_has_no_difference_in_whatever_order_its_columns_are() -> None:
    assert found(replace(TABLE, columns=dict(reversed(list(TABLE.columns.items())))), TABLE) == []


def test_every_kind_of_difference_of_a_column_names_the_table() -> None:
    other = TableShape({"a": ColumnShape("bigint", default="1"), "c": ColumnShape("text")}, ("c", "a"))
    assert found(other, TABLE) == [
        "s.t.a is bigint, declared integer; is nullable, declared NOT NULL; "
        "has the default '1', declared none",
        "column s.t.b is missing",
        "column s.t.c is not declared",
        "primary key s.t is (c, a), declared (a)",
    ]


def test_something_else_in_the_tables_place_is_all_that_is_said() -> None:
    assert found(TableShape({}, (), "view"), TABLE) == ["s.t is a view, not a table"]


def test_constraints_are_told_by_what_they_say_not_by_their_names() -> None:
    key = ForeignKeyShape(("b",), "s.u", ("x",))
    have = replace(
        TABLE, uniques={"t_b_key": ("b",)}, checks={"c": CheckShape("b > a")}, foreign_keys={"f": key}
    )
    want = replace(
        TABLE, uniques={"(unique: b)": ("b",)}, checks={"d": CheckShape("b > a")}, foreign_keys={"g": key}
    )
    assert found(have, want) == []


def test_a_constraint_that_is_not_validated_is_another_one() -> None:
    have = replace(TABLE, checks={"c": CheckShape("a > 0", validated=False)})
    assert found(have, replace(TABLE, checks={"c": CheckShape("a > 0")})) == [
        "check s.t.c differs from what was declared"
    ]


def test_schemas_rights_and_indexes_are_told() -> None:
    have = Snapshot(tables={"s.t": TABLE}, grants=frozenset({Grant("table", "s.t", "reader", "SELECT")}))
    want = Snapshot(
        schemas=frozenset({"s"}), tables={"s.t": replace(TABLE, indexes={"i": IndexShape(("a", "b"))})}
    )
    assert [str(each) for each in differences(have, want)] == [
        "schema s is missing",
        "index s.t.i is missing",
        "grant SELECT on table s.t to reader is not declared",
    ]


SHAPES = st.builds(
    TableShape,
    columns=st.dictionaries(
        st.sampled_from("abc"),
        st.builds(ColumnShape, type=st.sampled_from(["integer", "text"]), nullable=st.booleans()),
    ),
    uniques=st.dictionaries(st.sampled_from("uvw"), st.sampled_from([("a",), ("b",), ("a", "b")])),
    indexes=st.dictionaries(
        st.sampled_from("ij"), st.builds(IndexShape, parts=st.sampled_from([("a",), ("b",)]))
    ),
)
SNAPSHOTS = st.builds(
    Snapshot,
    schemas=st.frozensets(st.sampled_from("st")),
    tables=st.dictionaries(st.sampled_from(["s.t", "s.u"]), SHAPES),
)


@given(SNAPSHOTS)
def test_nothing_differs_from_itself(snapshot: Snapshot) -> None:
    assert differences(snapshot, snapshot) == []


@given(SNAPSHOTS, SNAPSHOTS)
def test_what_is_missing_one_way_is_too_much_the_other_way(one: Snapshot, two: Snapshot) -> None:
    def objects(have: Snapshot, want: Snapshot, *, missing: bool) -> set[tuple[str, str]]:
        return {
            (each.kind, each.place)
            for each in differences(have, want)
            if (each.have is None) == missing and None in (each.have, each.want) and each.kind != "schema"
        }

    assert objects(one, two, missing=True) == objects(two, one, missing=False)
