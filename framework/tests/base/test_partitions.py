from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.orm import registry
from sqlmodel import Field
from sqlmodel_framework import BaseMixin, Datakit, DatakitError, Partitions, Target
from sqlmodel_framework.base.partitions import INFO, MAXIMUM, MINIMUM, REST
from sqlmodel_framework.base.tables import table_of


class Apart(BaseMixin, registry=registry()):
    """Tables of this module, apart from those of other tests."""


def made(partitions: Partitions, schema: str | None = "parts", key: Any = None) -> Any:
    class Own(BaseMixin, registry=registry()):
        pass

    class Part(Own, table=True):
        __table_args__ = {"schema": schema}
        __partitions__ = partitions
        id: int = Field(primary_key=True)
        day: date = Field(primary_key=True)
        Land: str = Field(primary_key=True)
        note: str | None = None

    return Part


BY_DAY = Partitions.by_range(
    "day",
    parts={
        "part_old": (MINIMUM, date(2024, 1, 1)),
        "part_2024": (date(2024, 1, 1), date(2025, 1, 1)),
        "part_rest": REST,
    },
)
BY_BOTH = Partitions.by_range("day", "id", parts={"part_all": ((MINIMUM, MINIMUM), (MAXIMUM, MAXIMUM))})
BY_LAND = Partitions.by_list("Land", parts={"part_de": ("DE", "it's"), "part_other": REST})
BY_HASH = Partitions.by_hash("id", parts=("part_0", "part_1", "part_2"))


def create(target: Target, cls: Any) -> None:
    """What the planner does with what stands in the table."""
    table = table_of(cls)
    engine = create_engine(target.secret_url())
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA parts"))
        table.metadata.create_all(connection)
        for name, bounds in table.info[INFO].items():
            connection.execute(text(f"CREATE TABLE {name} PARTITION OF parts.part {bounds}"))
        connection.execute(
            text(
                "INSERT INTO parts.part (id, day, \"Land\") VALUES (1, '2020-05-01', 'DE'), "
                "(2, '2024-05-01', 'it''s'), (3, '2024-12-31', 'FR')"
            )
        )
    engine.dispose()


@pytest.mark.parametrize(
    ("partitions", "key"),
    [
        (BY_DAY, "RANGE (day)"),
        (BY_BOTH, "RANGE (day, id)"),
        (BY_LAND, 'LIST ("Land")'),
        (BY_HASH, "HASH (id)"),
    ],
)
def test_a_partitioned_table_is_what_postgresql_makes_of_it(
    database: Target, ask: Any, partitions: Partitions, key: str
) -> None:
    create(database, made(partitions))
    assert ask(database, "SELECT pg_get_partkeydef('parts.part'::regclass)") == [(key,)]
    assert ask(database, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'parts.part'::regclass") == [
        (len(partitions.bounds),)
    ]


def test_rows_go_where_they_belong(database: Target, ask: Any) -> None:
    create(database, made(BY_DAY))
    rows = ask(database, "SELECT tableoid::regclass::text, count(*) FROM parts.part GROUP BY 1 ORDER BY 1")
    assert rows == [("parts.part_2024", 2), ("parts.part_old", 1)]


def test_the_bounds_go_with_the_table_into_the_datakit() -> None:
    cls = made(BY_LAND)
    table = Datakit(name="k", version="1", tables=(cls,)).metadata().tables["parts.part"]
    assert table.info[INFO] == {
        "parts.part_de": "FOR VALUES IN ('DE', 'it''s')",
        "parts.part_other": "DEFAULT",
    }
    assert table.dialect_options["postgresql"]["partition_by"] == 'LIST ("Land")'


def test_a_database_without_partitions_keeps_the_table_whole() -> None:
    cls = made(BY_DAY, schema=None)
    engine = create_engine("sqlite://")
    table_of(cls).metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO part VALUES (1, '2024-01-01', 'x', NULL)"))


def test_a_table_is_divided_by_columns_of_its_key_only() -> None:
    with pytest.raises(
        DatakitError, match=r"parts\.part is divided by note, which is not in its primary key"
    ):
        made(Partitions.by_hash("note", parts=("a",)))
    with pytest.raises(DatakitError, match="divided by nothing, which is none of its columns"):
        made(Partitions.by_hash("nothing", parts=("a",)))


@given(st.text())
def test_a_text_stays_one_value(value: str) -> None:
    bounds = Partitions.by_list("x", parts={"p": (value,)}).bounds["p"]
    inside = bounds.removeprefix("FOR VALUES IN ('").removesuffix("')")
    assert inside.replace("''", "").count("'") == 0
    assert inside.replace("''", "'") == value
