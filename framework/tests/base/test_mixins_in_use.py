from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, NullPool, create_engine, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import registry
from sqlmodel import Field, Session, SQLModel
from sqlmodel_framework import (
    BaseMixin,
    BronzeTableMixin,
    Datakit,
    ReferenceTableMixin,
    Target,
    TransactionalTableMixin,
    deploy_datakit,
)
from sqlmodel_framework.base.models import EXTRACTION_METHODS
from sqlmodel_framework.base.tables import table_of

Ask = Callable[..., list[tuple[object, ...]]]


class Apart(SQLModel, registry=registry()):
    """Tables of this module, apart from those of other tests."""


class Noted(BaseMixin):
    note: str | None = None


class Code(Noted, ReferenceTableMixin, Apart, table=True):
    __table_args__ = {"schema": "in_use"}
    part: str = Field(primary_key=True)
    number: int = Field(primary_key=True)


class Event(TransactionalTableMixin, Noted, Apart, table=True):
    __table_args__ = {"schema": "in_use"}
    part: str = Field(primary_key=True)
    number: int = Field(primary_key=True)


class RawOne(BronzeTableMixin, Apart, table=True):
    __table_args__ = {"schema": "in_use"}
    value: str | None = None


class RawTwo(Noted, BronzeTableMixin, Apart, table=True):
    __table_args__ = {"schema": "in_use"}
    value: str | None = None


KIT = Datakit(name="in_use", version="1", tables=(Code, Event, RawOne, RawTwo))
ARRIVAL: dict[str, Any] = {
    "source_system": "s",
    "source_table": "t",
    "extraction_method": "file",
    "row_hash": bytes(32),
}


@pytest.fixture
def engine(database: Target) -> Iterator[Engine]:
    deploy_datakit(KIT, database)
    made = create_engine(database.secret_url(), poolclass=NullPool)
    yield made
    made.dispose()


def times(engine: Engine, cls: type[SQLModel]) -> list[Any]:
    table = table_of(cls)
    with engine.connect() as connection:
        rows = connection.execute(select(table.c.created_at, table.c.updated_at).order_by(table.c.number))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("cls", [Code, Event])
def test_an_update_moves_updated_at_of_the_rows_it_changes_and_of_no_other(
    engine: Engine, cls: type[SQLModel]
) -> None:
    table = table_of(cls)
    with engine.begin() as connection:
        connection.execute(insert(table), [{"part": "a", "number": number} for number in (1, 2)])
    before = times(engine, cls)
    assert before[0] == before[1]
    assert before[0][0] == before[0][1]
    assert abs(before[0][0] - datetime.now(UTC)) < timedelta(minutes=5)
    with engine.begin() as connection:
        connection.execute(update(table).where(table.c.number == 1).values(note="changed"))
    after = times(engine, cls)
    assert after[1] == before[1]
    assert after[0][0] == before[0][0]
    assert after[0][1] > before[0][1]


@pytest.mark.parametrize("cls", [Code, Event])
def test_a_row_that_is_saved_unchanged_keeps_its_times(engine: Engine, cls: type[SQLModel]) -> None:
    with Session(engine) as session:
        session.add(cls(part="a", number=1, note="same"))
        session.commit()
    before = times(engine, cls)
    with Session(engine) as session:
        row: Any = session.get(cls, ("a", 1))
        row.note = "same"
        session.add(row)
        session.commit()
    assert times(engine, cls) == before


@pytest.mark.parametrize("cls", [Code, Event])
def test_every_column_of_a_composite_key_counts(engine: Engine, cls: type[SQLModel]) -> None:
    table = table_of(cls)
    with engine.begin() as connection:
        for part, number in (("a", 1), ("a", 2), ("b", 1)):
            connection.execute(insert(table), {"part": part, "number": number})
    with pytest.raises(IntegrityError, match="duplicate key"), engine.begin() as connection:
        connection.execute(insert(table), {"part": "a", "number": 1})


@pytest.mark.parametrize("cls", [RawOne, RawTwo])
@pytest.mark.parametrize("method", ["guess", "", "FILE", "file ", None])
def test_the_database_refuses_an_extraction_method_that_is_not_on_the_list(
    engine: Engine, cls: type[SQLModel], method: str | None
) -> None:
    row = {**ARRIVAL, "run_id": uuid4(), "extraction_method": method}
    with pytest.raises(IntegrityError, match="extraction_method"), engine.begin() as connection:
        connection.execute(insert(table_of(cls)), row)


@pytest.mark.parametrize("cls", [RawOne, RawTwo])
def test_the_database_takes_every_extraction_method_on_the_list(engine: Engine, cls: type[SQLModel]) -> None:
    assert len(EXTRACTION_METHODS) > 1
    table = table_of(cls)
    rows = [{**ARRIVAL, "run_id": uuid4(), "extraction_method": method} for method in EXTRACTION_METHODS]
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
        found = connection.execute(select(table.c.extraction_method).order_by(table.c.bronze_id))
        assert tuple(method for (method,) in found) == EXTRACTION_METHODS


def test_bronze_rows_are_numbered_in_order_of_arrival_by_the_database_alone(engine: Engine) -> None:
    table = table_of(RawOne)
    run = uuid4()
    with engine.begin() as connection:
        connection.execute(insert(table), [{**ARRIVAL, "run_id": run, "value": str(n)} for n in range(5)])
        rows = connection.execute(
            select(table.c.bronze_id, table.c.value, table.c.run_id).order_by(table.c.bronze_id)
        )
        assert [(row.bronze_id, row.value) for row in rows] == [(n + 1, str(n)) for n in range(5)]
    with pytest.raises(DBAPIError, match="bronze_id"), engine.begin() as connection:
        connection.execute(insert(table), {**ARRIVAL, "run_id": run, "bronze_id": 9})


def test_a_bronze_row_goes_through_the_orm_as_well(engine: Engine) -> None:
    run = uuid4()
    with Session(engine) as session:
        session.add(RawTwo(**ARRIVAL, run_id=run, value="x", note="y"))
        session.commit()
        row: RawTwo = session.execute(select(RawTwo)).scalar_one()
        assert (row.bronze_id, row.run_id, row.value, row.note) == (1, UUID(str(run)), "x", "y")
        assert abs(row.loaded_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(
    "missing", ["source_system", "source_table", "extraction_method", "row_hash", "run_id"]
)
def test_a_bronze_row_without_its_origin_is_refused(engine: Engine, missing: str) -> None:
    row = {**ARRIVAL, "run_id": uuid4()}
    del row[missing]
    with pytest.raises(IntegrityError, match=missing), engine.begin() as connection:
        connection.execute(insert(table_of(RawOne)), row)


def test_moments_are_kept_with_their_time_zone(database: Target, engine: Engine, ask: Ask) -> None:
    rows = ask(
        database,
        "SELECT DISTINCT data_type, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'in_use' "
        "AND column_name IN ('created_at', 'updated_at', 'loaded_at')",
    )
    assert rows == [("timestamp with time zone", "NO")]
