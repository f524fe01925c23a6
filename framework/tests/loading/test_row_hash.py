import hashlib

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import String, cast, column, create_engine, select, values
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.writing import row_hash as sql_row_hash
from sqlmodel_framework.loading.row_hash import canonical_text, row_hash

VALUE = st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
ROW = st.lists(VALUE, min_size=1, max_size=5)


def test_the_hash_is_sha256_of_the_canonical_text() -> None:
    assert canonical_text(["JFK", None, "", "né"]) == "3:JFK-0:2:né"
    assert row_hash(["JFK", None]) == hashlib.sha256(b"3:JFK-").digest()


@given(one=ROW, two=ROW)
@example(one=["ab", "c"], two=["a", "bc"])
@example(one=[None], two=["-"])
@example(one=[None], two=[""])
@example(one=["1:a"], two=["1", "a"])
def test_different_rows_have_different_texts(one: list[str | None], two: list[str | None]) -> None:
    assert (canonical_text(one) == canonical_text(two)) == (one == two)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROW)
def test_the_database_computes_the_same_hash(datakit_server: Target, row: list[str | None]) -> None:
    names = [f"c{number}" for number in range(len(row))]
    rows = values(*(column(name, String) for name in names), name="r").data(
        [tuple(cast(value, String) for value in row)]
    )
    engine = create_engine(datakit_server.secret_url())
    with engine.connect() as connection:
        found: bytes = connection.execute(select(sql_row_hash(rows, names))).scalar_one()
    engine.dispose()
    assert bytes(found) == row_hash(row)
