from collections.abc import Iterable
from typing import Any, ClassVar

import pytest
from sqlalchemy import CheckConstraint, Index, MetaData, UniqueConstraint, create_engine, inspect
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import registry
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, Session, SQLModel
from sqlmodel_framework import BaseMixin, DatakitError
from sqlmodel_framework.base.tables import table_of


class Apart(BaseMixin, registry=registry()):
    """Tables of this module, apart from those of other tests."""


class Spanned(BaseMixin):
    starts: int
    ends: int

    @classmethod
    def __table_parts__(cls) -> Iterable[SchemaItem]:
        yield CheckConstraint("starts <= ends", name=f"{cls.__tablename__}_spans")
        yield Index(None, "starts", "ends")


class Coded(BaseMixin):
    code: str

    @classmethod
    def __table_parts__(cls) -> Iterable[SchemaItem]:
        yield UniqueConstraint("code", name=f"{cls.__tablename__}_code")


class Season(Spanned, Coded, Apart, table=True):
    id: int = Field(primary_key=True)


class Shift(Coded, Spanned, Apart, table=True):
    id: int = Field(primary_key=True)

    @classmethod
    def __table_parts__(cls) -> Iterable[SchemaItem]:
        return [CheckConstraint("starts > 0", name="shift_starts")]


def test_the_parts_of_all_mixins_are_in_every_table_that_uses_them() -> None:
    for cls, checks in ((Season, {"season_spans"}), (Shift, {"shift_spans", "shift_starts"})):
        table = table_of(cls)
        there = {part.name for part in table.constraints if isinstance(part, CheckConstraint)}
        assert there == checks
        assert {index.name for index in table.indexes} == {f"ix_{table.name}_starts_ends"}
        assert [part.name for part in table.constraints if isinstance(part, UniqueConstraint)] == [
            f"{table.name}_code"
        ]


def test_the_parts_of_mixins_work_in_a_real_database() -> None:
    engine = create_engine("sqlite://")
    Apart.metadata.create_all(engine)
    assert [index["name"] for index in inspect(engine).get_indexes("season")] == ["ix_season_starts_ends"]
    with Session(engine) as session:
        session.add(Season(id=1, code="a", starts=2, ends=1))
        with pytest.raises(IntegrityError, match="season_spans"):
            session.commit()


class InSchema(BaseMixin):
    __table_args__: ClassVar[Any] = {"schema": "mixin_schema", "info": {"owner": "us"}}


class Commented(BaseMixin):
    __table_args__: ClassVar[Any] = {"comment": "of a mixin"}


def test_the_options_of_all_parents_hold_the_nearest_first() -> None:
    class Whole(InSchema, Commented, Apart, table=True):
        __table_args__: ClassVar[Any] = (UniqueConstraint("code"), {"comment": "of its own"})
        id: int = Field(primary_key=True)
        code: str

    class Other(Commented, InSchema, Apart, table=True):
        id: int = Field(primary_key=True)

    whole, other = table_of(Whole), table_of(Other)
    assert (whole.schema, whole.comment) == ("mixin_schema", "of its own")
    assert (other.schema, other.comment) == ("mixin_schema", "of a mixin")
    assert whole.info["owner"] == other.info["owner"] == "us"
    assert whole.info is not other.info


def test_parts_that_a_mixin_would_share_are_refused_with_the_way_out() -> None:
    class Sharing(BaseMixin):
        __table_args__ = (Index("shared", "id"), {"schema": "s"})

    with pytest.raises(DatakitError, match=r"Sharing: __table_args__ of a mixin") as caught:

        class Shares(Sharing, Apart, table=True):
            id: int = Field(primary_key=True)

    assert "__table_parts__" in (caught.value.hint or "")


def test_a_check_without_a_name_is_refused() -> None:
    class Nameless(BaseMixin):
        @classmethod
        def __table_parts__(cls) -> Iterable[SchemaItem]:
            return [CheckConstraint("id > 0")]

    with pytest.raises(DatakitError, match="Nameless: a check in __table_parts__ has no name"):

        class Uses(Nameless, Apart, table=True):
            id: int = Field(primary_key=True)


def test_a_table_that_is_declared_already_is_refused_with_both_classes() -> None:
    class First(Apart, table=True):
        __tablename__ = "taken"
        id: int = Field(primary_key=True)

    with pytest.raises(
        DatakitError, match=r"Second declares the table taken, which .*First declares"
    ) as caught:

        class Second(Apart, table=True):
            __tablename__ = "taken"
            id: int = Field(primary_key=True)

    assert caught.value.table == "taken"


def test_a_registry_of_its_own_keeps_tables_of_one_name_apart() -> None:
    class Own(BaseMixin, registry=registry(metadata=MetaData())):
        pass

    class Mine(Own, table=True):
        __tablename__ = "season"
        id: int = Field(primary_key=True)

    assert table_of(Mine) is not table_of(Season)
    assert "season" not in SQLModel.metadata.tables
