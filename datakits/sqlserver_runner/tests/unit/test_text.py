"""Values have the text that a real PostgreSQL gives them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlmodel_framework.targets.target import Target
from sqlserver_runner.converters import timestamp
from sqlserver_runner.floats import float4_text
from sqlserver_runner.text import text_of

usual = hypothesis_settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def postgres(datakit_target: Target) -> Iterator[Connection]:
    engine = create_engine(datakit_target.secret_url(), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET TimeZone = 'UTC'"))
        connection.execute(text("SET DateStyle = 'ISO, YMD'"))
        yield connection
    engine.dispose()


def in_postgres(connection: Connection, value: object, kind: str) -> object:
    return connection.execute(text(f"SELECT CAST(CAST(:value AS {kind}) AS text)"), {"value": value}).scalar()


@usual
@given(value=st.floats(allow_nan=False, allow_infinity=False))
@example(value=1.0)
@example(value=-0.0)
@example(value=1e15)
@example(value=999999999999999.9)
@example(value=123456789012345.0)
@example(value=1e20)
@example(value=3.469959962500775e16)
@example(value=2.0**60)
@example(value=1e-4)
@example(value=0.000099999)
@example(value=5e-324)
@example(value=1.7976931348623157e308)
def test_floats(postgres: Connection, value: float) -> None:
    assert text_of(value) == in_postgres(postgres, repr(value), "double precision")


@usual
@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(value=16777216.0)
@example(value=999999.0)
@example(value=1e6)
@example(value=struct.unpack("<f", struct.pack("<f", 0.1))[0])
@example(value=struct.unpack("<f", bytes.fromhex("01000000"))[0])
@example(value=struct.unpack("<f", bytes.fromhex("ffff7f7f"))[0])
def test_floats_of_four_bytes(postgres: Connection, value: float) -> None:
    assert float4_text(value) == in_postgres(postgres, repr(value), "real")


@usual
@given(
    value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**28), max_value=10**28, places=10)
)
@example(value=Decimal("-0.00"))
@example(value=Decimal("1.50"))
@example(value=Decimal("0.0000000001"))
@example(value=Decimal("1E+5"))
def test_decimals(postgres: Connection, value: Decimal) -> None:
    assert text_of(value) == in_postgres(postgres, format(value, "f"), "numeric")


@usual
@given(value=st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)))
@example(value=datetime(2024, 2, 29, 23, 59, 59, 999_999))
@example(value=datetime(2024, 1, 1, 0, 0, 0, 100_000))
def test_moments(postgres: Connection, value: datetime) -> None:
    expected = in_postgres(postgres, value, "timestamp")
    assert text_of(value) == expected
    assert timestamp(as_odbc(value)) == expected


def as_odbc(moment: datetime) -> bytes:
    return struct.pack("<6HI", *moment.timetuple()[:6], moment.microsecond * 1000)


@usual
@given(
    value=st.datetimes(
        min_value=datetime(1, 1, 3),
        max_value=datetime(9999, 12, 29),
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    )
)
@example(value=datetime(2024, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))))
@example(value=datetime(2024, 1, 1, 12, 0, 0, 500, tzinfo=UTC))
def test_moments_with_a_zone(postgres: Connection, value: datetime) -> None:
    assert text_of(value) == in_postgres(postgres, value.isoformat(), "timestamptz")


@usual
@given(
    value=st.one_of(
        st.dates(), st.times(), st.binary(), st.uuids(), st.booleans(), st.integers(-(2**63), 2**63 - 1)
    )
)
def test_the_rest(postgres: Connection, value: date | time | bytes | UUID | bool | int) -> None:
    kind = {
        date: "date",
        time: "time",
        bytes: "bytea",
        UUID: "uuid",
        bool: "boolean",
        int: "bigint",
    }[type(value)]
    given_as = str(value) if isinstance(value, UUID) else value
    assert text_of(value) == in_postgres(postgres, given_as, kind)


def test_texts_and_nulls_stay_as_they_are() -> None:
    assert text_of(" x ") == " x "
    assert text_of("") == ""
    assert text_of(None) is None


def test_what_has_no_text_is_said() -> None:
    with pytest.raises(TypeError, match="a complex"):
        text_of(1j)
    with pytest.raises(TypeError, match="NaN"):
        text_of(Decimal("NaN"))


def test_a_tenth_of_a_microsecond_is_kept() -> None:
    content = struct.pack("<6HI", 2024, 1, 2, 3, 4, 5, 123_456_700)
    assert timestamp(content) == "2024-01-02 03:04:05.1234567"
