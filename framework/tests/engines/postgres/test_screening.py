import io
from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import pytest
from sqlalchemy import Numeric, Text, column, create_engine, select, table, text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    CsvSource,
    Datakit,
    DatakitError,
    Load,
    QuerySource,
    Reference,
    Target,
    Unique,
    run_datakit,
)
from sqlmodel_framework.engines.postgres import loader
from sqlmodel_framework.engines.postgres.screening import input_check
from sqlmodel_framework.loading.rules import Rule
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]


class Airport(SQLModel, table=True):
    __tablename__ = "screen_airport"
    __table_args__ = {"schema": "screen"}
    faa: str = Field(primary_key=True)


class Flight(SQLModel, table=True):
    __tablename__ = "screen_flight"
    __table_args__ = {"schema": "screen"}
    number: int = Field(primary_key=True)
    origin: str | None = Field(default=None, foreign_key="screen.screen_airport.faa")
    dest: str | None = None
    day: date | None = None
    hour: int | None = Field(default=None, ge=0, le=23)
    price: float | None = Field(default=None, gt=0, lt=1000, sa_type=Numeric(6, 2))
    tail: str | None = Field(default=None, min_length=2, max_length=4, regex="^N[0-9]")
    kind: Literal["jet", "prop"] | None = Field(default=None, sa_type=Text)
    follows: int | None = Field(default=None, foreign_key="screen.screen_flight.number")


HEADER = "number,origin,dest,day,hour,price,tail,kind,follows\n"


@pytest.fixture(params=["pg_input_is_valid", "by trying"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of asking whether a text is a value: with PostgreSQL 16 and later, and before."""
    if request.param == "by trying":
        monkeypatch.setattr(loader, "_server_version", lambda _connection: 150000)


def load(target: Target, text: str, *rules: Rule) -> LoadResult:
    def csv(table: type[SQLModel], content: str, rules: tuple[Rule, ...] = ()) -> Load:
        opened = CsvSource(open=lambda: io.BytesIO(content.encode()), name="x.csv", system="t", null="")
        return Load(table=table, name=table.__name__, layer="silver", source=opened, rules=rules)

    loads = (csv(Airport, "faa\nJFK\nLGA\n"), csv(Flight, HEADER + text, rules))
    kit = Datakit(name="screen", version="1", tables=(Airport, Flight), loads=loads)
    return run_datakit(kit, target).loads[1]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,,,,,,,,", "number is not a valid integer"),
        ("1.0,,,,,,,,", "number is not a valid integer"),
        ("99999999999,,,,,,,,", "number is not a valid integer"),
        (",,,,,,,,", "number is missing"),
        ("1,,,2013-02-30,,,,,", "day is not a valid date"),
        ("1,,,,24,,,,", "hour is not <= 23"),
        ("1,,,,-1,,,,", "hour is not >= 0"),
        ("1,,,,,0,,,", "price is not > 0"),
        ("1,,,,,1000,,,", "price is not < 1000"),
        ("1,,,,,12345.6,,,", "price is not a valid numeric(6,2)"),
        ("1,,,,,,N1234,,", "tail is longer than 4 characters"),
        ("1,,,,,,NX,,", "tail does not match ^N[0-9]"),
        ("1,,,,,,,glider,", "kind is not one of jet, prop"),
        ("1,XXX,,,,,,,", "origin is not in screen.screen_airport.faa"),
        ("1,,,,,,,,77", "follows is not in screen.screen_flight.number"),
    ],
)
@pytest.mark.usefixtures("either_way")
def test_a_row_that_breaks_the_contract_is_rejected_with_the_reason(
    datakit_target: Target, row: str, reason: str
) -> None:
    result = load(datakit_target, f"{row}\n")
    assert (result.read, result.accepted, result.rejected, result.loaded) == (1, 0, 1, 0)
    assert result.reasons == {reason: 1}


@pytest.mark.usefixtures("either_way")
def test_good_rows_are_loaded_with_the_tables_types(database: Target, ask: Ask) -> None:
    result = load(database, "1,JFK,XXX,2013-01-31,23,999.99,N123,jet,\n2,,,,,,,,1\n3,,,,,,,,2\n")
    assert (result.read, result.accepted, result.rejected, result.loaded) == (3, 3, 0, 3)
    row = ask(database, "SELECT number, day, price, kind FROM screen.screen_flight WHERE number = 1")
    assert (row[0][1], str(row[0][2])) == (date(2013, 1, 31), "999.99")


OWN_TYPES = (
    "CREATE DOMAIN pg_temp.even AS integer NOT NULL CHECK (VALUE % 2 = 0)",
    "CREATE TYPE pg_temp.pair AS (a integer, b integer)",
    r"""CREATE TYPE pg_temp."50% \: off" AS ENUM ('yes')""",
)


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("integer", "0 -1 2147483647", "1.0 x 2147483648"),
        ("numeric(6,2)", "1 9999.99 NaN 1e3", "12345.6 1,5"),
        ("boolean", "t off 1 TRUE", "2 ja"),
        ("date", "2013-01-31 infinity", "2013-02-30 day"),
        ("timestamp(3) with time zone", "2013-01-31T23:00:00Z 2013-01-31", "25:00 2013-01-31T24:00:01Z"),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99"),
        ("jsonb", '{} [1] "x"', "{ x"),
        ("int4range", "empty [1,2)", "[2,1) 1"),
        ("pg_temp.even", "0 2", "1 x"),
        ("pg_temp.pair", "(,) (1,2)", "(1) (x,2)"),
        ('pg_temp."50% : off"', "yes", "no"),
    ],
)
def test_trying_answers_as_pg_input_is_valid(database: Target, type_: str, good: str, bad: str) -> None:
    staged = table("staged", column("value", Text), schema="pg_temp").c.value
    engine = create_engine(database.secret_url())
    with engine.begin() as connection:
        for statement in (*OWN_TYPES, "CREATE TEMPORARY TABLE staged (value text)"):
            connection.execute(text(statement))
        # First a column that holds nothing else, then one that does.
        for more, valid in ((good, True), (bad, False)):
            added: list[dict[str, Any]] = [{"value": value} for value in (None, *more.split())]
            connection.execute(text("INSERT INTO pg_temp.staged VALUES (:value)"), added)
            native, tried = (input_check(connection, there=there)(staged, type_) for there in (True, False))
            answers = connection.execute(select(staged, native, tried)).all()
            assert {answer for value, answer, _ in answers if value in more.split()} == {valid}
            assert [answer for _, answer, _ in answers] == [answer for *_, answer in answers]
    engine.dispose()


def test_every_row_of_a_doubled_key_is_rejected(database: Target) -> None:
    result = load(database, "1,,,,,,,,\n2,,,,,,,,\n2,LGA,,,,,,,\n2,,,,,,,,\n")
    assert (result.read, result.accepted, result.rejected, result.loaded) == (4, 1, 3, 1)
    assert result.reasons == {"key (number) comes more than once": 3}


def test_a_row_with_two_faults_is_one_rejected_row_with_two_reasons(database: Target, ask: Ask) -> None:
    result = load(database, "1,JFK,,,,,,,\n2,XXX,,,99,,,glider,\n")
    assert (result.read, result.accepted, result.rejected) == (2, 1, 1)
    assert sorted(result.reasons.values()) == [1, 1, 1]
    rows = ask(
        database, "SELECT table_name, load_name, position, reasons, row_values FROM datakit.quarantine"
    )
    assert rows == [
        (
            "screen.screen_flight",
            "Flight",
            2,
            [
                "hour is not <= 23",
                "kind is not one of jet, prop",
                "origin is not in screen.screen_airport.faa",
            ],
            {
                "number": "2", "origin": "XXX", "dest": None, "day": None, "hour": "99", "price": None,
                "tail": None, "kind": "glider", "follows": None,
            },
        )
    ]  # fmt: skip


def test_the_quarantine_holds_what_the_latest_run_rejected(database: Target, ask: Ask) -> None:
    load(database, "x,,,,,,,,\ny,,,,,,,,\n")
    load(database, "z,,,,,,,,\n")
    assert ask(database, "SELECT row_values ->> 'number' FROM datakit.quarantine") == [("z",)]


UNKNOWN = {"column": "dest", "to": Airport.faa, "because": "some lie abroad"}
ROWS = "1,,JFK,,,,,,\n2,,XXX,,,,,,\n3,,YYY,,,,,,\n4,,,,,,,,\n"


def test_a_reference_that_is_kept_is_counted(database: Target) -> None:
    rule = Reference(on_missing="keep", **UNKNOWN)
    result = load(database, ROWS, rule)
    assert (result.accepted, result.rejected, result.loaded) == (4, 0, 4)
    assert result.kept == {"dest is not in screen.screen_airport.faa: some lie abroad": 2}


def test_a_reference_that_is_not_kept_is_rejected(database: Target) -> None:
    rule = Reference(on_missing="quarantine", **UNKNOWN)
    result = load(database, ROWS, rule)
    assert (result.accepted, result.rejected, result.loaded) == (2, 2, 2)
    assert result.reasons == {"dest is not in screen.screen_airport.faa: some lie abroad": 2}


def test_doubles_that_are_kept_are_counted_beyond_the_first(database: Target) -> None:
    rule = Unique(columns=("dest", "hour"), on_duplicate="keep", because="clocks go back")
    text = (
        "1,,JFK,,1,,,,\n2,,JFK,,1,,,,\n3,,JFK,,1,,,,\n4,,LGA,,1,,,,\n5,,,,1,,,,\n6,,,,1,,,,\n7,,JFK,,99,,,,\n"
    )
    result = load(database, text, rule)
    assert (result.accepted, result.rejected) == (6, 1)
    assert result.kept == {"(dest, hour) comes more than once: clocks go back": 2}


def test_doubles_that_are_not_kept_are_rejected_all(database: Target) -> None:
    rule = Unique(columns=("dest",), on_duplicate="quarantine", because="one each")
    result = load(database, ROWS + "5,,XXX,,,,,,\n", rule)
    assert (result.accepted, result.rejected) == (3, 2)
    assert result.reasons == {"(dest) comes more than once: one each": 2}


def test_a_rule_nobody_met_counts_zero(database: Target) -> None:
    rule = Reference(on_missing="keep", **UNKNOWN)
    assert list(load(database, "1,,JFK,,,,,,\n", rule).kept.values()) == [0]


def test_read_is_always_accepted_and_rejected_together(
    database: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader._Quarantine, "fill", lambda *_: None)
    with pytest.raises(DatakitError, match="read 2, but accepted 1 and rejected 0") as caught:
        load(database, "1,,,,,,,,\nx,,,,,,,,\n")
    assert caught.value.exit_code == 70


def test_rows_of_a_query_are_held_against_the_contract_too(database: Target) -> None:
    from sqlalchemy import Integer, values

    rows: Any = values(column("number", Integer), column("hour", Text), name="r").data(
        [(1, "5"), (2, "x"), (3, None)]
    )
    only = Load(table=Flight, name="q", layer="gold", source=QuerySource(select(rows.c.number, rows.c.hour)))
    kit = Datakit(name="screen", version="1", tables=(Airport, Flight), loads=(only,))
    result = run_datakit(kit, database).loads[0]
    assert (result.read, result.accepted, result.rejected, result.loaded) == (3, 2, 1, 2)
    assert result.reasons == {"hour is not a valid integer": 1}
