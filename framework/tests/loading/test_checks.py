"""Checks that come from a table: what they find on a database, and that every dialect has words for them."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import NaiveDatetime
from sqlalchemy import Engine, Index, Text, create_engine, text
from sqlalchemy.dialects import mssql, mysql, postgresql, sqlite
from sqlalchemy.exc import CompileError
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Check,
    Datakit,
    Target,
    accepted_values,
    column,
    deploy_datakit,
    fresh,
    not_null,
    references,
    row_count,
    run_datakit,
    table_checks,
    unique,
)
from sqlmodel_framework.errors import DeclarationError
from sqlmodel_framework.runs.ledger import ledger_tables
from sqlmodel_framework.runs.run import ChecksFailedError

Ask = Callable[..., list[tuple[object, ...]]]


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Shelf(SQLModel, table=True):
    __tablename__ = "check_shelf"
    __table_args__ = {"schema": "checked"}
    row: int = Field(primary_key=True)
    place: int = Field(primary_key=True)


class Thing(SQLModel, table=True):
    __tablename__ = "check_thing"
    __table_args__ = (
        Index("check_thing_open", "note", unique=True, postgresql_where=text("price > 0")),
        {"schema": "checked"},
    )
    code: str = Field(primary_key=True, max_length=5, min_length=2, regex="^[a-z]+$")
    price: Decimal = Field(ge=0, lt=1000, max_digits=8, decimal_places=2, multiple_of=0.5)
    share: float = Field(default=0.5, gt=0, le=1, multiple_of=0.25)
    dozens: int | None = Field(default=None, multiple_of=12, unique=True)
    kind: Literal["jet", "prop"] | None = Field(default=None, sa_type=Text)
    size: Size | None = column(default=None, values=Size)
    seal: bytes | None = Field(default=None, min_length=2)
    part_of: str | None = Field(default=None, foreign_key="checked.check_thing.code")
    note: str | None = None
    seen_at: datetime | None = None
    seen_on: date | None = None
    heard_at: Annotated[NaiveDatetime, "of a clock on a wall"] | None = None


class RawThing(BronzeTableMixin, table=True):
    __tablename__ = "check_raw"
    __table_args__ = {"schema": "checked"}
    code: str | None = Field(default=None, sa_type=Text, max_length=5)


# What is found is shown on tables without keys or bounds, which nothing keeps from being wrong.
LOOSE = """
CREATE TABLE check_shelf ("row" int, place int);
CREATE TABLE check_thing (
    code text, price {price}, share {share}, dozens int, kind text, size text, seal {bytes}, part_of text,
    note text, seen_at {moment}, seen_on date, heard_at timestamp
);
"""


def found(engine: Engine, *checks: Check) -> dict[str, int]:
    """What the checks find, of those that find something."""
    numbers: dict[str, int] = {}
    with engine.connect() as connection:
        for check in checks:
            number: object = connection.execute(check.statement).scalar_one()
            assert isinstance(number, int)
            numbers[check.name] = number
    return {name: number for name, number in numbers.items() if number}


@pytest.fixture(params=["postgres", "sqlite"])
def loose(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Tables of these names, without anything that keeps wrong rows out."""
    if request.param == "postgres":
        target: Target = request.getfixturevalue("database")
        engine = create_engine(target.secret_url())
        words = {"price": "numeric", "share": "double precision", "bytes": "bytea", "moment": "timestamptz"}
        schema = "CREATE SCHEMA checked; SET search_path TO checked;"
    else:
        engine = create_engine(f"sqlite:///{tmp_path / 'loose.db'}").execution_options(
            schema_translate_map={"checked": None, "datakit": None}
        )
        words = {"price": "numeric", "share": "float", "bytes": "blob", "moment": "datetime"}
        schema = ""
    with engine.begin() as connection:
        for statement in filter(str.strip, (schema + LOOSE.format(**words)).split(";")):
            connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def insert(engine: Engine, *rows: dict[str, Any]) -> None:
    table: Any = Thing.__table__  # type: ignore[attr-defined]
    defaults = dict.fromkeys(table.columns.keys()) | {"price": 1, "share": 0.5}
    with engine.begin() as connection:
        connection.execute(table.insert(), [defaults | row for row in rows])


def test_rows_that_keep_to_the_declaration_pass(loose: Engine) -> None:
    insert(
        loose,
        {"code": "tea", "price": Decimal("2.5"), "share": 0.75, "dozens": 24, "kind": "jet", "seal": b"ab"},
        {"code": "milk", "part_of": "tea"},
    )
    assert found(loose, *table_checks(Thing), *table_checks(Shelf)) == {}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"code": None}, "check_thing.code is never null"),
        ({"price": None}, "check_thing.price is never null"),
        ({"price": -1}, "check_thing.price >= 0"),
        ({"price": 1000}, "check_thing.price < 1000"),
        ({"price": Decimal("2.75")}, "check_thing.price is a multiple of 0.5"),
        ({"share": 1.25}, "check_thing.share <= 1"),
        ({"share": 0.6}, "check_thing.share is a multiple of 0.25"),
        ({"dozens": 13}, "check_thing.dozens is a multiple of 12"),
        ({"code": "coffee"}, "check_thing.code has at most 5 characters"),
        ({"code": "t"}, "check_thing.code has at least 2 characters"),
        ({"code": "TEA"}, "check_thing.code matches ^[a-z]+$"),
        ({"kind": "glider"}, "check_thing.kind is one of jet, prop"),
        ({"seal": b"a"}, "check_thing.seal has at least 2 characters"),
        ({"part_of": "nothing"}, "check_thing (part_of) is in checked.check_thing (code)"),
    ],
)
def test_each_row_that_breaks_the_declaration_is_counted(
    loose: Engine, row: dict[str, Any], name: str
) -> None:
    insert(loose, {"code": "good"}, {"code": "bad"} | row)
    assert found(loose, *table_checks(Thing)) == {f"checked.{name}": 1}


def test_of_a_doubled_key_the_rows_beyond_the_first_are_counted(loose: Engine) -> None:
    insert(loose, *({"code": "tea", "dozens": 12} for _ in range(3)), {"code": "tea"})
    assert found(loose, *table_checks(Thing)) == {
        "checked.check_thing (code) comes once": 3,
        "checked.check_thing (dozens) comes once": 2,
    }
    assert found(loose, unique(Thing, "code", "dozens")) == {
        "checked.check_thing (code, dozens) comes once": 2
    }


def test_a_closed_list_of_a_type_of_its_own_is_checked(loose: Engine) -> None:
    insert(loose, {"code": "tea", "size": Size.SMALL})
    assert found(loose, *table_checks(Thing)) == {}
    with loose.begin() as connection:
        schema = "checked." if loose.dialect.name == "postgresql" else ""
        connection.exec_driver_sql(f"UPDATE {schema}check_thing SET size = 'huge'")
    assert found(loose, *table_checks(Thing)) == {"checked.check_thing.size is one of small, large": 1}


def test_checks_can_be_asked_for_one_by_one(loose: Engine) -> None:
    insert(
        loose, {"code": "tea", "note": "a", "kind": "x"}, {"code": "milk", "part_of": "no"}, {"code": "ham"}
    )
    assert found(
        loose,
        not_null(Thing, "note"),
        references(Thing, "part_of", Thing.code),
        accepted_values(Thing, "kind", ["jet"]),
        accepted_values(Thing, "code", ["tea", "milk"], because="no more is sold"),
        unique(Thing, "price"),
    ) == {
        "checked.check_thing.note is never null": 2,
        "checked.check_thing.part_of is in checked.check_thing.code": 1,
        "checked.check_thing.kind is one of jet": 1,
        "checked.check_thing.code is one of tea, milk": 1,
        "checked.check_thing (price) comes once": 2,
    }


def test_a_table_is_fresh_as_long_as_its_newest_row_is(loose: Engine) -> None:
    check = fresh(Thing, "seen_at", within=timedelta(minutes=10))
    stale = {"checked.check_thing.seen_at is not older than 0:10:00": 1}
    assert found(loose, check) == stale
    insert(loose, {"code": "none"}, {"code": "old", "seen_at": datetime.now(UTC) - timedelta(minutes=15)})
    assert found(loose, check) == stale
    insert(loose, {"code": "new", "seen_at": datetime.now(UTC) - timedelta(minutes=5)})
    assert found(loose, check) == {}


def test_the_number_of_rows_is_bounded(loose: Engine) -> None:
    insert(loose, {"code": "tea"}, {"code": "milk"})
    assert found(loose, row_count(Thing, at_least=1, at_most=2), row_count(Thing, at_least=2)) == {}
    assert found(loose, row_count(Thing, at_least=5)) == {"checked.check_thing has at least 5 rows": 3}
    assert found(loose, row_count(Thing, at_most=1)) == {"checked.check_thing has at most 1 rows": 1}


# What nothing needs a database for.


def test_a_bronze_table_is_asked_for_what_the_framework_writes_alone() -> None:
    assert [check.name.removeprefix("checked.check_raw.") for check in table_checks(RawThing)] == [
        "bronze_id is never null",
        "source_system is never null",
        "source_table is never null",
        "extraction_method is never null",
        "loaded_at is never null",
        "run_id is never null",
        "row_hash is never null",
        "extraction_method is one of file, full, incremental, cdc, api, stream",
    ]


def test_a_key_over_some_rows_only_is_left_to_its_index() -> None:
    assert not [check for check in table_checks(Thing) if "(note)" in check.name]


def test_a_key_of_several_columns_is_one_check() -> None:
    assert "checked.check_shelf (row, place) comes once" in [check.name for check in table_checks(Shelf)]
    assert {check.because for check in table_checks(Shelf)} == {"Shelf declares it"}


CHECKS = (
    *table_checks(Thing),
    *table_checks(Shelf),
    *table_checks(RawThing),
    fresh(Thing, "seen_at", within=timedelta(days=1)),
    row_count(Thing, at_least=1, at_most=9, change=0.5),
    references(Thing, "note", Thing.code),
    accepted_values(Thing, "dozens", [12, 24]),
)
DIALECTS: dict[str, Any] = {
    "mariadb": mysql.dialect(is_mariadb=True),
    "mssql": mssql.dialect(deprecate_large_types=True),  # type: ignore[no-untyped-call]
    "postgresql": postgresql.dialect(),  # type: ignore[no-untyped-call]
    "sqlite": sqlite.dialect(),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_words_for_a_check(dialect: str, check: Check) -> None:
    if dialect == "mssql" and " matches " in check.name:
        with pytest.raises(CompileError, match="does not support regular expressions"):
            check.statement.compile(dialect=DIALECTS[dialect])
        return
    words = str(check.statement.compile(dialect=DIALECTS[dialect]))
    assert words.startswith("SELECT ")


@pytest.mark.parametrize(
    ("dialect", "clock"),
    [
        ("mariadb", "(CURRENT_TIMESTAMP(6) - INTERVAL 90 SECOND)"),
        ("mssql", "DATEADD(second, -(90), SYSUTCDATETIME())"),
        ("postgresql", "(now() - make_interval(secs => 90))"),
        ("sqlite", "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || 90 || ' seconds')"),
    ],
)
def test_the_clock_is_that_of_the_database(dialect: str, clock: str) -> None:
    statement = fresh(Thing, "seen_at", within=timedelta(seconds=89.5)).statement
    words = statement.compile(dialect=DIALECTS[dialect], compile_kwargs={"literal_binds": True})
    assert clock in str(words).replace("%%", "%")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: not_null(Thing, "colour"), "names 'colour', which is no column of checked.check_thing"),
        (lambda: unique(Thing), "names no column of checked.check_thing"),
        (lambda: references(Thing, "code", "Thing.code"), "must refer to a column such as Airports.faa"),
        (lambda: accepted_values(Thing, "kind", "jet"), "must be a collection of at least one"),
        (lambda: accepted_values(Thing, "kind", []), "must be a collection of at least one"),
        (lambda: fresh(Thing, "seen_on", within=timedelta(1)), "seen_on holds no moments in time"),
        (lambda: fresh(Thing, "heard_at", within=timedelta(1)), "heard_at holds no moments in time"),
        (lambda: fresh(Thing, "seen_at", within=timedelta(0)), "the time must be above 0"),
        (lambda: row_count(Thing), "asks for nothing"),
        (lambda: row_count(Thing, at_least=-1), "a number is below 0"),
        (lambda: row_count(Thing, change=float("nan")), "a number is below 0, or none"),
        (lambda: row_count(Thing, at_least=3, at_most=2), "at_least 3 is above at_most 2"),
    ],
)
def test_what_cannot_be_meant_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        make()


# In a run.


def kit(*checks: Check) -> Datakit:
    return Datakit(name="checked", version="1", tables=(Thing, Shelf, RawThing), checks=checks)


def shelves(target: Target, ask: Ask, number: int) -> None:
    """Make the table of shelves this long."""
    ask(target, "TRUNCATE checked.check_shelf")
    ask(
        target,
        "INSERT INTO checked.check_shelf SELECT 1, n FROM generate_series(1, :number) AS n",
        number=number,
    )


def test_the_change_of_a_table_is_measured_against_the_last_run_that_succeeded(
    database: Target, ask: Ask
) -> None:
    checked = kit(row_count(Shelf, change=0.1), row_count(Shelf, at_most=200))
    run_datakit(checked, database)
    # Of an empty table no share can be told.
    shelves(database, ask, 100)
    run_datakit(checked, database)
    shelves(database, ask, 110)
    run_datakit(checked, database)
    shelves(database, ask, 98)
    with pytest.raises(ChecksFailedError, match="rows more or less than before' found 12") as caught:
        run_datakit(checked, database)
    assert caught.value.exit_code == 65
    # What failed is no measure for the next run.
    with pytest.raises(ChecksFailedError, match="found 12"):
        run_datakit(checked, database)
    run_datakit(kit(row_count(Shelf, change=0.2)), database)
    run_datakit(checked, database)
    assert ask(database, "SELECT table_name, number FROM datakit.table_size ORDER BY size_id") == [
        ("checked.check_shelf", number) for number in (0, 100, 110, 98, 98)
    ]


def test_a_run_without_its_checks_counts_nothing(database: Target, ask: Ask) -> None:
    run_datakit(kit(row_count(Shelf, change=0.1)), database, parts=["deploy", "load"])
    run_datakit(kit(row_count(Shelf, at_least=0)), database)
    assert ask(database, "SELECT count(*) FROM datakit.table_size") == [(0,)]


def test_a_deployed_table_passes_the_checks_of_its_declaration(database: Target) -> None:
    deploy_datakit(kit(), database)
    result = run_datakit(kit(*table_checks(Thing), *table_checks(Shelf), *table_checks(RawThing)), database)
    assert result.failed_checks == []
    assert len(result.checks) > 20
    assert "table_size" in [table.name for table in ledger_tables()]
