from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Text, create_engine, insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel
from sqlmodel_framework import (
    BaseMixin,
    BronzeTableMixin,
    Datakit,
    DatakitError,
    InvalidRowError,
    ReferenceTableMixin,
    Target,
    TransactionalTableMixin,
    deploy_datakit,
)
from sqlmodel_framework.base.models import EXTRACTION_METHODS
from sqlmodel_framework.base.tables import table_of

Ask = Callable[..., list[tuple[object, ...]]]


class Tagged(BaseMixin):
    tag: str | None = Field(default=None, sa_type=Text)


class PlainOne(BaseMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    id: int = Field(primary_key=True)


class PlainTwo(BaseMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    id: int = Field(primary_key=True)


class RefOne(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    code: str = Field(primary_key=True)
    label: str | None = None


class RefTwo(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    part: str = Field(primary_key=True)
    number: int = Field(primary_key=True)


class TransOne(TransactionalTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    id: int | None = Field(default=None, primary_key=True)


class TransTwo(TransactionalTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    id: int | None = Field(default=None, primary_key=True)


class BronzeOne(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    value: str = Field(sa_type=Text)


class BronzeTwo(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "mixins"}
    value: str = Field(sa_type=Text)


def in_order(number: int, bases: tuple[type, ...]) -> Any:
    fields = {
        "__module__": __name__,
        "__table_args__": {"schema": "mixins"},
        "__annotations__": {"code": str},
    }
    make: Any = type(SQLModel)
    made: Any = make(f"Order{number}", bases, {**fields, "code": Field(primary_key=True)}, table=True)
    return made


ORDERED = tuple(
    in_order(number, bases)
    for number, bases in enumerate(permutations((Tagged, ReferenceTableMixin, TransactionalTableMixin)))
)
TABLES: tuple[type[SQLModel], ...] = (
    PlainOne,
    PlainTwo,
    RefOne,
    RefTwo,
    TransOne,
    TransTwo,
    BronzeOne,
    BronzeTwo,
    *ORDERED,
)
KIT = Datakit(name="mixins", version="1", tables=TABLES)


@pytest.fixture(scope="module")
def deployed(datakit_target: Target) -> Target:
    deploy_datakit(KIT, datakit_target)
    return datakit_target


def test_every_mixin_makes_real_tables_however_often_and_in_whatever_order(
    deployed: Target, ask: Ask
) -> None:
    rows = ask(deployed, "SELECT tablename FROM pg_tables WHERE schemaname = 'mixins'")
    assert {row[0] for row in rows} == {table_of(cls).name for cls in TABLES}


def test_tables_share_no_column(deployed: Target) -> None:
    columns = [column for cls in TABLES for column in table_of(cls).columns]
    assert len({id(column) for column in columns}) == len(columns)
    assert all(column.table is table_of(cls) for cls in TABLES for column in table_of(cls).columns)


def test_the_mixins_of_a_table_may_come_in_any_order(deployed: Target, ask: Ask) -> None:
    rows = ask(
        deployed,
        "SELECT DISTINCT table_name, string_agg(column_name, ',' ORDER BY column_name) "
        "FROM information_schema.columns "
        "WHERE table_schema = 'mixins' AND table_name LIKE 'order%' GROUP BY table_name",
    )
    assert [row[1] for row in rows] == ["code,created_at,inactivated_at,loaded_at,tag,updated_at"] * 6


def test_a_composite_key_keeps_all_its_columns(deployed: Target, ask: Ask) -> None:
    key = ask(
        deployed,
        "SELECT array_agg(a.attname ORDER BY array_position(CAST(i.indkey AS int2[]), a.attnum)) "
        "FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey) "
        "WHERE i.indisprimary AND i.indrelid = 'mixins.ref_two'::regclass",
    )
    assert key == [(["part", "number"],)]


def test_a_table_is_named_after_its_class_in_snake_case() -> None:
    assert table_of(PlainOne).name == "plain_one"


def test_updated_at_moves_with_an_update_and_created_at_stays(deployed: Target) -> None:
    engine = create_engine(deployed.secret_url())
    with Session(engine) as session:
        row = RefOne(code="a", label="first")
        session.add(row)
        session.commit()
        session.refresh(row)
        created, updated = row.created_at, row.updated_at
        row.label = "second"
        session.commit()
        session.refresh(row)
        assert row.created_at == created
        assert row.updated_at > updated
        # With a time zone, and now.
        assert abs(row.updated_at - datetime.now(UTC)) < timedelta(minutes=5)
    engine.dispose()


def test_a_bronze_table_refuses_an_unknown_extraction_method(deployed: Target) -> None:
    engine = create_engine(deployed.secret_url())
    values: dict[str, Any] = {
        "value": "x",
        "source_system": "s",
        "source_table": "t",
        "run_id": uuid4(),
        "row_hash": bytes(32),
    }
    with Session(engine) as session:
        session.add_all(BronzeOne(**{**values, "extraction_method": method}) for method in EXTRACTION_METHODS)
        session.commit()
    with pytest.raises(InvalidRowError, match=r"mixins\.bronze_one\.extraction_method"):
        BronzeOne(**{**values, "extraction_method": "guess"})
    # Past the class as well.
    with (
        engine.begin() as connection,
        pytest.raises(IntegrityError, match="bronze_one_extraction_method_is_known"),
    ):
        connection.execute(insert(table_of(BronzeOne)), {"extraction_method": "guess", **values})
    engine.dispose()


def test_a_reference_row_says_when_it_was_loaded_and_is_valid_until_said_otherwise(
    deployed: Target,
) -> None:
    engine = create_engine(deployed.secret_url())
    with Session(engine) as session:
        row = RefOne(code="valid")
        assert row.model_dump(include={"loaded_at"}) == {"loaded_at": None}
        session.add(row)
        session.commit()
        session.refresh(row)
        loaded: datetime = row.loaded_at
        assert abs(loaded - datetime.now(UTC)) < timedelta(minutes=5)
        assert row.inactivated_at is None
        row.inactivated_at = datetime(2030, 1, 1, tzinfo=UTC)
        session.commit()
        assert row.loaded_at > loaded
        assert row.inactivated_at == datetime(2030, 1, 1, tzinfo=UTC)
    engine.dispose()


def test_recorded_times_tell_what_they_mean() -> None:
    meanings = {column.name: column.info.get("datakit") for column in table_of(RefOne).columns}
    assert meanings == {
        "created_at": "created_at",
        "updated_at": "updated_at",
        "loaded_at": "loaded_at",
        "inactivated_at": None,
        "code": None,
        "label": None,
    }
    assert table_of(RefOne).c.updated_at.info is not table_of(RefTwo).c.updated_at.info


def test_a_reference_table_without_a_natural_key_is_refused() -> None:
    class OnlyGenerated(ReferenceTableMixin, table=True):
        __table_args__ = {"schema": "no_key"}
        id: int | None = Field(default=None, primary_key=True)

    with pytest.raises(
        DatakitError, match=r"no_key\.only_generated \(OnlyGenerated\) has no natural key"
    ) as caught:
        Datakit(name="k", version="1", tables=(OnlyGenerated,)).metadata()
    assert caught.value.exit_code == 64


def test_a_unique_column_or_a_required_number_is_a_natural_key() -> None:
    class HasUnique(ReferenceTableMixin, table=True):
        __table_args__ = {"schema": "with_key"}
        id: int | None = Field(default=None, primary_key=True)
        code: str = Field(unique=True)

    class HasIndex(ReferenceTableMixin, table=True):
        __table_args__ = {"schema": "with_key"}
        id: int | None = Field(default=None, primary_key=True)
        code: str = Field(unique=True, index=True)

    class HasNumber(ReferenceTableMixin, table=True):
        __table_args__ = {"schema": "with_key"}
        number: int = Field(primary_key=True)

    Datakit(name="k", version="1", tables=(HasUnique, HasIndex, HasNumber)).metadata()
