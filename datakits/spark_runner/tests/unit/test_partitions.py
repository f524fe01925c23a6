"""However a table is cut, every row is in one part; on a real PostgreSQL."""

from __future__ import annotations

import pytest
from spark_runner.partitions import ranges, reading
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlmodel_framework import Target
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.loading.extraction import Extraction

VALUES = {
    "smallint": "(-32768), (0), (3), (32767), (NULL)",
    "integer": "(1), (2), (2), (3), (1000), (NULL)",
    "bigint": "(-9223372036854775808), (9223372036854775807), (0), (NULL)",
    "numeric": "(-1e40), (0.5), (1e40), ('NaN'), (NULL)",
    "real": "(1.5), ('Infinity'), ('-Infinity'), (2.5), (NULL)",
    "double precision": "(0.1), (0.2), ('NaN'), (0.3), (NULL)",
    "date": "('2024-01-01'), ('2024-02-29'), ('infinity'), ('-infinity'), ('0044-03-15 BC'), (NULL)",
    "timestamp": "('2024-01-01 12:00:00.123456'), ('2024-06-01'), ('infinity'), ('9999-12-31'), (NULL)",
    "timestamptz": "('2024-03-31 02:30+01'), ('2024-10-27 02:30+02'), ('-infinity'), (NULL)",
}


@pytest.fixture(scope="module")
def database(datakit_target: Target) -> Engine:
    engine = create_engine(datakit_target.secret_url(), poolclass=NullPool)
    with engine.begin() as connection:
        for kind, values in VALUES.items():
            connection.execute(text(f'CREATE TABLE "t {kind}" (v {kind})'))
            connection.exec_driver_sql(f'INSERT INTO "t {kind}" VALUES {values}')
        connection.execute(text("CREATE TABLE nothing (v integer)"))
        connection.execute(text("CREATE TABLE same (v integer)"))
        connection.execute(text("INSERT INTO same SELECT 7 FROM generate_series(1, 5)"))
        connection.execute(text("CREATE TABLE words (v text)"))
    return engine


def counts(database: Engine, target: Target, table: str, parts: int) -> list[int]:
    """How many rows each part has, asked as Spark's driver asks."""
    extraction = Extraction(table=table, columns=("v",))
    with reading(engine_for(target), extraction, "v", parts) as how, database.connect() as connection:
        connection.exec_driver_sql(how.session)
        return [
            connection.exec_driver_sql(
                f"SELECT count(*) FROM ({how.query}) AS datakit_rows WHERE {predicate}"
            ).scalar_one()
            for predicate in how.predicates or ("true",)
        ]


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("kind", VALUES)
def test_every_row_is_in_one_part(database: Engine, datakit_target: Target, kind: str, parts: int) -> None:
    found = counts(database, datakit_target, f"t {kind}", parts)
    assert sum(found) == VALUES[kind].count("(")
    assert len(found) <= parts


@pytest.mark.parametrize(
    "value",
    ["n", "n - 1000", "n::numeric / 7", "n::float8 / 7", "n * 1000000000000000::bigint",
     "date '1999-06-01' + n", "timestamptz '0990-12-31' + n * interval '1 year'"],
)  # fmt: skip
def test_parts_are_of_equal_width(database: Engine, datakit_target: Target, value: str) -> None:
    with database.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS even"))
        connection.exec_driver_sql(
            f"CREATE TABLE even AS SELECT {value} AS v FROM generate_series(1, 1600) AS n"
        )
    # More than nine, so that boundaries have numbers of digits of their own.
    found = counts(database, datakit_target, "even", 16)
    assert sum(found) == 1600
    assert [count for count in found if not 98 <= count <= 102] == []


@pytest.mark.parametrize(("table", "rows"), [("nothing", 0), ("same", 5)])
def test_what_cannot_be_cut_is_one_part(
    database: Engine, datakit_target: Target, table: str, rows: int
) -> None:
    assert counts(database, datakit_target, table, 4) == [rows]


def test_a_column_of_words_has_no_ranges(database: Engine, datakit_target: Target) -> None:
    with pytest.raises(TerminalError, match="'v' is of the type text"):
        counts(database, datakit_target, "words", 4)


@pytest.mark.parametrize(("table", "column"), [("nowhere", "v"), ("same", "w")])
def test_what_is_not_there_is_told_by_name(
    database: Engine, datakit_target: Target, table: str, column: str
) -> None:
    extraction = Extraction(table=table, columns=("v",))
    missing = "nowhere" if table == "nowhere" else '"w"'
    with (
        pytest.raises(TerminalError, match=f"{missing}.* does not exist"),
        reading(engine_for(datakit_target), extraction, column, 4),
    ):
        pass


def test_all_parts_see_the_moment_at_which_the_reading_began(
    database: Engine, datakit_target: Target
) -> None:
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE moving AS SELECT v FROM generate_series(1, 10) AS v"))
    extraction = Extraction(table="moving", columns=("v",))
    with reading(engine_for(datakit_target), extraction, "v", 2) as how:
        with database.begin() as connection:
            connection.execute(text("UPDATE moving SET v = 11 - v"))
            connection.execute(text("DELETE FROM moving WHERE v < 5"))
        seen = []
        for predicate in how.predicates or ():
            with database.connect() as connection:
                connection.exec_driver_sql(how.session)
                sql = f"SELECT v FROM ({how.query}) AS datakit_rows WHERE {predicate}"
                seen += [row.v for row in connection.exec_driver_sql(sql)]
    assert sorted(seen, key=int) == [str(number) for number in range(1, 11)]


def test_a_part_cannot_write(database: Engine, datakit_target: Target) -> None:
    extraction = Extraction(table="same", columns=("v",))
    with (
        reading(engine_for(datakit_target), extraction, None, 1) as how,
        database.connect() as connection,
    ):
        connection.exec_driver_sql(how.session)
        with pytest.raises(Exception, match="read-only transaction"):
            connection.exec_driver_sql("INSERT INTO same VALUES (1)")


def test_ranges_meet_without_a_gap() -> None:
    assert ranges(["2", "5"]) == (
        '"datakit_0" < 2 OR "datakit_0" IS NULL',
        '"datakit_0" >= 2 AND "datakit_0" < 5',
        '"datakit_0" >= 5',
    )
    assert ranges([]) is None
