from types import ModuleType, new_class

import pytest
from sqlalchemy import Column, Computed, Identity, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Datakit,
    DatakitError,
    ReferenceTableMixin,
    TransactionalTableMixin,
)
from sqlmodel_framework.base.tables import (
    natural_key,
    own_columns,
    plain_type,
    table_of,
    tables_in,
    unique_keys,
)


def make(
    name: str, *bases: type[SQLModel], schema: str = "tables", table: str, **fields: type
) -> type[SQLModel]:
    """A table class in a registry of its own, as that of another package is."""

    class Apart(SQLModel, registry=registry()):
        pass

    content = {
        "__module__": __name__,
        "__tablename__": table,
        "__table_args__": {"schema": schema},
        "__annotations__": {"id": int, **fields},
        "id": Field(primary_key=True),
    }
    made: type[SQLModel] = new_class(
        name, (*bases, Apart), {"table": True}, lambda body: body.update(content)
    )
    return made


def test_two_classes_of_one_table_name_are_refused_with_both_names() -> None:
    first, second = make("First", table="same"), make("Second", table="same", extra=str)
    with pytest.raises(DatakitError, match=r"tables\.same") as caught:
        Datakit(name="k", version="1", tables=(first, second)).metadata()
    assert "First" in f"{caught.value} {caught.value.hint}"
    assert "Second" in f"{caught.value} {caught.value.hint}"
    assert caught.value.exit_code == 64


def test_one_name_in_two_schemas_is_two_tables() -> None:
    first, second = make("First", table="same", schema="one"), make("Second", table="same", schema="two")
    metadata = Datakit(name="k", version="1", tables=(first, second)).metadata()
    assert set(metadata.tables) == {"one.same", "two.same"}


def test_no_table_is_lost_when_dots_make_two_names_look_alike() -> None:
    first, second = make("First", schema="x.y", table="z"), make("Second", schema="x", table="y.z")
    try:
        metadata = Datakit(name="k", version="1", tables=(first, second)).metadata()
    except DatakitError as error:
        assert "x.y.z" in error.message
    else:
        assert len(metadata.tables) == 2


def test_a_class_named_twice_is_one_table() -> None:
    one = make("One", table="one")
    assert Datakit(name="k", version="1", tables=(one, one)).table_classes() == (one,)


class Coded(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "tables"}
    code: str = Field(primary_key=True)


class Inherited(Coded, table=True):
    __table_args__ = {"schema": "tables"}
    more: str | None = None


def test_a_class_that_has_the_table_of_its_parent_is_told_so() -> None:
    with pytest.raises(DatakitError, match=r"Inherited.*Coded"):
        Datakit(name="k", version="1", tables=(Inherited,)).table_classes()


def test_a_mixin_itself_is_no_table() -> None:
    for mixin in (ReferenceTableMixin, TransactionalTableMixin, BronzeTableMixin):
        with pytest.raises(DatakitError, match=f"{mixin.__name__} is not a table"):
            table_of(mixin)


def test_forgetting_the_comma_after_a_single_table_is_one_clear_line() -> None:
    with pytest.raises(DatakitError, match="tables"):
        Datakit(name="k", version="1", tables=(Coded)).table_classes()  # type: ignore[arg-type]


def test_a_package_stands_for_tables_below_it_and_not_for_its_neighbours() -> None:
    def defined_in(module: str) -> type[SQLModel]:
        made = make(f"From{module.title().replace('.', '')}", table=module)
        made.__module__ = module
        return made

    inside, neighbour, elsewhere = map(defined_in, ("kit.tables", "kitchen.tables", "other"))
    package = ModuleType("kit")
    vars(package).update(
        A=inside, Again=inside, B=neighbour, C=elsewhere, D=SQLModel, E=ReferenceTableMixin, F="text"
    )
    assert tables_in(package) == [inside]


def test_a_bronze_tables_own_columns_are_those_of_its_source() -> None:
    class Raw(BronzeTableMixin, table=True):
        __table_args__ = {"schema": "tables"}
        carrier: str | None
        name: str = Field(sa_type=Text)

    assert [column.name for column in own_columns(Raw)] == ["carrier", "name"]
    assert type(plain_type(table_of(Raw).c.carrier)) is String


@pytest.mark.parametrize(
    ("column", "natural"),
    [
        (Column("key", String, primary_key=True), True),
        (Column("key", Integer, Identity(), primary_key=True), False),
        (Column("key", Integer, server_default=text("1"), primary_key=True), False),
        (Column("key", Integer, Computed("1"), primary_key=True), False),
    ],
)
def test_a_key_that_something_else_makes_up_is_no_natural_key(column: Column[object], natural: bool) -> None:
    class Apart(SQLModel, registry=registry()):
        pass

    class Keyed(Apart, table=True):
        key: int = Field(sa_column=column)

    assert (natural_key(Keyed) is not None) is natural


def test_the_keys_come_in_the_same_order_every_time() -> None:
    class Apart(SQLModel, registry=registry()):
        pass

    class Many(Apart, table=True):
        __table_args__ = (UniqueConstraint("c", "b"), UniqueConstraint("a"), UniqueConstraint("b"))
        id: int = Field(primary_key=True)
        a: int
        b: int
        c: int = Field(unique=True, index=True)

    keys = [[column.name for column in key] for key in unique_keys(table_of(Many))]
    assert keys == [["id"], ["a"], ["b"], ["c"], ["c", "b"]]
