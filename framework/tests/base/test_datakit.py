import sys
from types import ModuleType

import pytest
from sqlmodel import Field, SQLModel
from sqlmodel_framework import CsvSource, Datakit, DatakitError, Load


class Parent(SQLModel, table=True):
    __table_args__ = {"schema": "kit_test"}
    id: int = Field(primary_key=True)


class Child(SQLModel, table=True):
    __table_args__ = {"schema": "kit_test"}
    id: int = Field(primary_key=True)
    parent: int = Field(foreign_key="kit_test.parent.id")


class NoTable(SQLModel):
    id: int


def test_a_datakit_without_tables_is_refused() -> None:
    with pytest.raises(DatakitError, match="datakit 'empty' has no tables"):
        Datakit(name="empty", version="1").table_classes()


@pytest.mark.parametrize("name", ["", "Upper", "1st", "a b", "a/b", "../a", "é"])
def test_a_name_that_could_be_no_folder_is_refused(name: str) -> None:
    with pytest.raises(DatakitError, match="cannot be called"):
        Datakit(name=name, version="1")


def test_a_class_that_is_no_table_is_refused() -> None:
    with pytest.raises(DatakitError, match=r"NoTable is not a table"):
        Datakit(name="k", version="1", tables=(NoTable,)).table_classes()


def test_a_module_stands_for_the_tables_that_were_defined_in_it() -> None:
    module = ModuleType(__name__)
    vars(module).update(Parent=Parent, Again=Parent, NoTable=NoTable, Datakit=Datakit)
    foreign = ModuleType("somewhere.else")
    vars(foreign).update(Child=Child)
    assert Datakit(name="k", version="1", tables=(module,)).table_classes() == (Parent,)
    with pytest.raises(DatakitError, match="no tables"):
        Datakit(name="k", version="1", tables=(foreign,)).table_classes()


def test_a_real_module_works_as_well() -> None:
    classes = Datakit(name="k", version="1", tables=(sys.modules[__name__],)).table_classes()
    assert classes == (Parent, Child)


def test_the_metadata_holds_the_datakits_own_tables_only() -> None:
    metadata = Datakit(name="k", version="1", tables=(Parent,)).metadata()
    assert list(metadata.tables) == ["kit_test.parent"]
    assert metadata is not SQLModel.metadata


def test_a_foreign_key_out_of_the_datakit_is_refused_by_name() -> None:
    with pytest.raises(DatakitError, match=r"kit_test\.child\.parent refers to kit_test\.parent"):
        Datakit(name="k", version="1", tables=(Child,)).metadata()


def test_a_load_into_a_table_of_no_datakit_is_refused() -> None:
    load = Load(table=Child, name="c", layer="x", source=CsvSource(open=open, name="c", system="s"))  # type: ignore[arg-type]
    with pytest.raises(DatakitError, match=r"goes into kit_test\.child, which is not among"):
        Datakit(name="k", version="1", tables=(Parent,), loads=(load,)).table_classes()


def test_the_fingerprint_follows_the_definition() -> None:
    first = Datakit(name="k", version="1", tables=(Parent,)).fingerprint()
    assert first == Datakit(name="k", version="1", tables=(Parent,)).fingerprint()
    assert first != Datakit(name="k", version="1", tables=(Parent, Child)).fingerprint()
    assert first != Datakit(name="k", version="2", tables=(Parent,)).fingerprint()
