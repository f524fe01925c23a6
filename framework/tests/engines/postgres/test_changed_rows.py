"""A snapshot of which only the rows that differ are sent leaves what the whole of it would."""

import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Date, DateTime, Double, SmallInteger, Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    ArrowSource,
    Datakit,
    History,
    Load,
    Merge,
    Replace,
    RowSource,
    Target,
    TemporalTableMixin,
    run_datakit,
)
from sqlmodel_framework.engines.postgres import changed_rows
from sqlmodel_framework.engines.postgres.changed_rows import ChangedRows
from sqlmodel_framework.errors import ContractError
from sqlmodel_framework.loading.modes import Mode
from sqlmodel_framework.runs.result import LoadResult

Ask = Callable[..., list[tuple[object, ...]]]
Row = dict[str, Any]

TYPES: dict[str, tuple[Any, pa.DataType]] = {
    "small": (SmallInteger(), pa.int16()),
    "real": (Double(), pa.float64()),
    "good": (Boolean(), pa.bool_()),
    "day": (Date(), pa.date32()),
    "local": (DateTime(), pa.timestamp("us")),
    "moment": (DateTime(timezone=True), pa.timestamp("us", "Europe/Berlin")),
    "words": (Text(), pa.string()),
}
SCHEMA = pa.schema([("id", pa.int64()), *((name, type_) for name, (_, type_) in TYPES.items())])


class Thing(TemporalTableMixin, table=True):
    __tablename__ = "thing"
    __table_args__ = {"schema": "changed"}
    id: int = Field(primary_key=True, sa_type=BigInteger)
    small: int | None = Field(default=None, sa_type=SmallInteger)
    real: float | None = Field(default=None, sa_type=Double)
    good: bool | None = None
    day: date | None = None
    local: datetime | None = Field(default=None, sa_type=DateTime)
    moment: datetime | None = Field(default=None, sa_type=DateTime(timezone=True))
    words: str | None = Field(default=None, sa_type=Text)


class Priced(SQLModel, table=True):
    __tablename__ = "priced"
    __table_args__ = {"schema": "changed"}
    id: int = Field(primary_key=True, sa_type=BigInteger)
    price: int = Field(ge=0, sa_type=BigInteger)


def load(target: Target, rows: list[Row], mode: Mode, at_once: int = 3) -> LoadResult:
    return _load(target, Thing, SCHEMA, rows, mode, at_once)


def _load(
    target: Target, table: type[SQLModel], schema: pa.Schema, rows: list[Row], mode: Mode, at_once: int
) -> LoadResult:
    batches = [
        pa.RecordBatch.from_pylist(rows[first : first + at_once], schema=schema)
        for first in range(0, max(len(rows), 1), at_once)
    ]
    source = ArrowSource(batches=lambda: iter(batches), name="batches")
    only = Load(table=table, name="rows", layer="silver", source=source, mode=mode)
    return run_datakit(kit(only), target).loads[0]


def kit(only: Load) -> Datakit:
    return Datakit(name="changed", version="1", tables=(Thing, Priced), loads=(only,))


def numbered(*numbers: int, words: str = "as it was") -> list[Row]:
    return [{"id": number, "words": words} for number in numbers]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[ChangedRows | None]:
    """How snapshots were compared, in the order of their loads: all, however small."""
    found: list[ChangedRows | None] = []
    choose = changed_rows.changed_rows

    def spy(*arguments: Any) -> ChangedRows | None:
        found.append(choose(*arguments))
        return found[-1]

    monkeypatch.setattr("sqlmodel_framework.engines.postgres.typed_stage.changed_rows", spy)
    monkeypatch.setattr(changed_rows, "_ROWS_WORTH_IT", -1)
    return found


def complete(ways: list[ChangedRows | None]) -> bool:
    return ways[-1] is not None and ways[-1].complete


def ids(ask: Ask, target: Target) -> list[int]:
    return [number for (number,) in ask(target, "SELECT id FROM changed.thing ORDER BY id")]  # type: ignore[misc]


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "small": st.integers(-2, 2),
    "real": st.floats() | st.sampled_from([0.0, -0.0, 0.1, 0.1 + 2**-56]),
    "good": st.booleans(),
    "day": st.dates(),
    "local": st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 1, 1)),
    "moment": st.datetimes(min_value=datetime(1800, 1, 2), max_value=datetime(2200, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC)
    ),
    "words": TEXTS | st.sampled_from(["", "\\N", "NA", "NULL", '"', "a\nb", "\r\n", ",", "\\."]),
}
RECORDS = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})
STATES = st.dictionaries(st.integers(-3, 12), RECORDS, max_size=12)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=STATES, other=STATES, kept=st.sets(st.integers(-3, 12)), at_once=st.integers(1, 5))
@pytest.mark.parametrize("mode", [Merge(), Replace(), History()], ids=["merge", "replace", "history"])
def test_a_snapshot_leaves_what_it_holds(
    database: Target,
    ask: Ask,
    ways: list[ChangedRows | None],
    mode: Mode,
    before: dict[int, Row],
    other: dict[int, Row],
    kept: set[int],
    at_once: int,
) -> None:
    load(database, [], Replace())
    load(database, [{"id": key, **before[key]} for key in sorted(before)], Merge())
    after = {key: before[key] if key in kept and key in before else row for key, row in other.items()}
    was = _states(ask, database)
    result = load(database, [{"id": key, **after[key]} for key in sorted(after)], mode, at_once)
    assert ways[-1] is not None
    there = _states(ask, database)
    expected = set(after) if not isinstance(mode, Merge) else set(after) | set(before)
    assert set(there) == expected
    changed = {key for key in there if key not in was or was[key] != there[key]}
    assert (result.read, result.loaded, result.deleted) == (
        len(after),
        len(changed),
        len(set(was) - set(there)),
    )
    load(database, [{"id": key, **after[key]} for key in sorted(after, reverse=True)], mode, at_once)
    assert _states(ask, database) == there


def _states(ask: Ask, target: Target) -> dict[int, tuple[object, ...]]:
    columns = ", ".join(f"{name}::text" for name in TYPES if name != "real")
    rows = ask(target, f"SELECT id, nullif(real, '-0')::text, {columns} FROM changed.thing")
    return {row[0]: row[1:] for row in rows}  # type: ignore[misc]


def test_only_what_differs_is_a_change_in_the_history(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(*range(10)), History())
    rows = numbered(0, 1) + numbered(2, words="new") + numbered(*range(4, 12))
    result = load(database, rows, History())
    assert complete(ways)
    assert (result.read, result.loaded, result.deleted) == (11, 3, 1)
    assert ask(database, "SELECT id FROM changed.thing_history ORDER BY id") == [(2,), (3,)]


def test_what_is_read_has_the_same_checksum_either_way(
    database: Target, ways: list[ChangedRows | None]
) -> None:
    rows = numbered(*range(10))
    first, again = load(database, rows, Merge()), load(database, rows, Merge())
    assert complete(ways)
    assert (first.checksum, first.bytes) == (again.checksum, again.bytes)
    assert again.loaded == 0


def test_rows_that_fall_out_of_order_are_loaded_all_the_same(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(*range(10)), Replace())
    rows = numbered(0, 2, 3, 4, 5, 6) + numbered(8, 7, words="new") + numbered(-1)
    result = load(database, rows, Replace())
    assert not complete(ways)
    assert ids(ask, database) == [-1, 0, 2, 3, 4, 5, 6, 7, 8]
    assert (result.read, result.loaded, result.deleted) == (9, 3, 2)


def test_a_key_that_comes_again_in_another_batch_is_not_lost_sight_of(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(*range(10)), Merge())
    result = load(database, [*numbered(*range(8)), *numbered(3, words="twice")], Merge())
    assert result.rejected == 2
    assert ids(ask, database) == list(range(10))


def test_a_few_rows_of_a_large_table_are_merged_as_ever(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(*range(100)), Merge())
    result = load(database, numbered(0, 1, 99, words="new"), Merge())
    assert not complete(ways)
    assert (result.read, result.loaded) == (3, 3)
    assert ask(database, "SELECT count(*) FROM changed.thing WHERE words = 'new'") == [(3,)]


def test_a_time_without_end_is_no_obstacle(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(1, 2, 3), Replace())
    ask(database, "UPDATE changed.thing SET local = 'infinity' WHERE id = 2 RETURNING id")
    result = load(database, numbered(1, 2), Replace())
    assert complete(ways)
    assert (result.loaded, result.deleted) == (1, 1)


def test_what_the_database_shortens_by_default_is_compared_whole(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    name = database.url.database
    ask(database, f'ALTER DATABASE "{name}" SET extra_float_digits = 0; SELECT 1')
    ask(database, f"ALTER DATABASE \"{name}\" SET datestyle = 'German'; SELECT 1")
    row: Row = {"id": 1, "real": 0.1 + 2**-56, "moment": datetime(2026, 3, 4, 5, tzinfo=UTC)}
    load(database, [row], Merge())
    assert load(database, [row], Merge()).loaded == 0
    assert load(database, [row | {"real": 0.1}], Merge()).loaded == 1
    assert complete(ways)


def test_a_row_that_breaks_its_contract_is_rejected_though_it_is_there(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    schema = pa.schema([("id", pa.int64()), ("price", pa.int64())])
    _load(database, Priced, schema, [{"id": 1, "price": 1}], Merge(), 3)
    ask(database, "INSERT INTO changed.priced VALUES (2, -5) RETURNING id")
    found = _load(database, Priced, schema, [{"id": 1, "price": 1}, {"id": 2, "price": -5}], Merge(), 3)
    assert (found.rejected, ways[-1]) == (1, None)


def test_a_source_that_dies_leaves_the_table_as_it_was(
    database: Target, ask: Ask, ways: list[ChangedRows | None]
) -> None:
    load(database, numbered(*range(9)), Replace())
    good = pa.RecordBatch.from_pylist(numbered(0, 1, words="new"), schema=SCHEMA)

    def dying() -> Any:
        yield good
        raise ContractError("the line went dead")

    source = ArrowSource(batches=dying, name="batches")
    only = Load(table=Thing, name="rows", layer="silver", source=source, mode=Replace(), contract="enforce")
    with pytest.raises(ContractError, match="dead"):
        run_datakit(kit(only), database)
    assert ask(database, "SELECT count(*) FROM changed.thing WHERE words = 'new'") == [(0,)]
    assert ids(ask, database) == list(range(9))


def test_small_tables_are_not_read_first(database: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[object] = []
    choose = changed_rows.changed_rows

    def spy(*arguments: Any) -> ChangedRows | None:
        found.append(choose(*arguments))
        return None

    monkeypatch.setattr("sqlmodel_framework.engines.postgres.typed_stage.changed_rows", spy)
    load(database, numbered(1), Merge())
    load(database, numbered(1), Merge())
    assert found == [None, None]


def test_rows_that_do_not_come_in_columns_need_no_arrow(
    database: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    source = RowSource(rows=lambda: numbered(1, 2), name="rows")
    only = Load(table=Thing, name="rows", layer="silver", source=source, mode=Replace())
    assert [run_datakit(kit(only), database).loads[0].loaded for _ in range(2)] == [2, 0]
