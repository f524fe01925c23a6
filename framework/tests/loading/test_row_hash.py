import hashlib
import struct

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, cast, column, create_engine, select, values
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.row_hash import row_hash as sql_row_hash
from sqlmodel_framework.loading.row_hash import canonical_bytes, hash_of_parts, row_hash

VALUE = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROW = st.lists(VALUE, min_size=1, max_size=5)


def test_the_hash_is_sha256_of_the_canonical_bytes() -> None:
    numbers = struct.pack("!6i", 1, 1, 25, 2, 1, 3)
    assert canonical_bytes(["né", None]) == numbers + "né".encode() + struct.pack("!i", -1)
    assert row_hash(["JFK"]) == hashlib.sha256(struct.pack("!6i", 1, 0, 25, 1, 1, 3) + b"JFK").digest()


@given(one=ROW, two=ROW)
@example(one=["ab", "c"], two=["a", "bc"])
@example(one=[None], two=[""])
@example(one=[None], two=[None, None])
def test_different_rows_have_different_bytes(one: list[str | None], two: list[str | None]) -> None:
    assert (canonical_bytes(one) == canonical_bytes(two)) == (one == two)


@given(parts=st.lists(ROW, min_size=1, max_size=4))
def test_a_row_that_comes_in_parts_has_the_hash_of_the_whole(parts: list[list[str | None]]) -> None:
    whole = [value for part in parts for value in part]
    assert hash_of_parts([canonical_bytes(part) for part in parts]) == row_hash(whole)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROW)
@example(row=["é"] * 210)
def test_the_database_computes_the_same_hash(datakit_server: Target, row: list[str | None]) -> None:
    names = [f"c{number}" for number in range(len(row))]
    rows = values(*(column(name, String) for name in names), name="r").data(
        [tuple(cast(value, String) for value in row)]
    )
    engine = create_engine(datakit_server.secret_url(), connect_args={"client_encoding": "utf8"})
    with engine.connect() as connection:
        found: bytes = connection.execute(select(sql_row_hash(rows, names))).scalar_one()
    engine.dispose()
    assert bytes(found) == row_hash(row)
