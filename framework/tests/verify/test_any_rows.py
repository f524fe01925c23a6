"""Whatever was loaded, and whatever the source has by now: the counts are those of Python's own sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Datakit,
    Load,
    Merge,
    Replace,
    RowSource,
    Target,
    run_datakit,
    verify_datakit,
)
from sqlmodel_framework.loading.modes import Mode
from sqlmodel_framework.verify.result import Comparison

Ask = Callable[..., list[tuple[object, ...]]]
Row = dict[str, Any]


class AnyRaw(BronzeTableMixin, table=True):
    __tablename__ = "verify_any_raw"
    __table_args__ = {"schema": "verify"}
    a: str | None = Field(default=None, sa_type=Text)
    b: str | None = Field(default=None, sa_type=Text)


class AnyItem(SQLModel, table=True):
    __tablename__ = "verify_any_item"
    __table_args__ = {"schema": "verify"}
    id: int = Field(primary_key=True)
    words: str | None = None


WORDS = st.sampled_from([None, "", "a", "é", 'x"\n,'])
RAW = st.lists(st.tuples(WORDS, WORDS), max_size=12)
ITEMS = st.dictionaries(st.integers(-9, 9), WORDS, max_size=12)
AGAIN = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


def kit(
    table: type[SQLModel], mode: Mode, columns: tuple[str, str], rows: Sequence[tuple[Any, Any]]
) -> Datakit:
    offered = [dict(zip(columns, row, strict=True)) for row in rows]
    source = RowSource(rows=lambda: offered, name="rows", columns=columns)
    load = Load(table=table, name="x", layer="y", source=source, mode=mode)
    return Datakit(name="verifying", version="1", tables=(AnyRaw, AnyItem), loads=(load,))


def verify(target: Target, datakit: Datakit, chunk_rows: int) -> Comparison:
    found = verify_datakit(datakit, target, chunk_rows=chunk_rows).loads[0]
    assert found.comparison is not None
    assert found.status == ("differs" if found.comparison.differences else "agrees")
    return found.comparison


def total(found: Comparison, what: str) -> int:
    return sum(getattr(each, what) for each in found.differences)


@AGAIN
@given(before=RAW, now=RAW, chunk_rows=st.integers(1, 5))
def test_a_bronze_table_holds_rows_as_often_as_their_source(
    database: Target, ask: Ask, before: list[tuple[Any, Any]], now: list[tuple[Any, Any]], chunk_rows: int
) -> None:
    run_datakit(kit(AnyRaw, Merge(), ("a", "b"), before), database)
    found = verify(database, kit(AnyRaw, Merge(), ("a", "b"), now), chunk_rows)
    there = Counter(before) & Counter(now)
    assert (found.source_rows, found.target_rows) == (len(now), there.total())
    assert total(found, "missing") == (Counter(now) - there).total()
    assert (found.others, found.altered) == ((Counter(before) - there).total(), 0)
    assert [(each.number - 1) * chunk_rows + 1 for each in found.differences] == [
        int(each.first[0]) for each in found.differences
    ]
    ask(database, "TRUNCATE verify.verify_any_raw")


@AGAIN
@given(before=ITEMS, now=ITEMS, chunk_rows=st.integers(1, 5), mode=st.sampled_from([Merge(), Replace()]))
def test_a_table_holds_the_values_of_each_key(
    database: Target, ask: Ask, before: dict[int, Any], now: dict[int, Any], chunk_rows: int, mode: Mode
) -> None:
    run_datakit(kit(AnyItem, Replace(), ("id", "words"), [*before.items()]), database)
    found = verify(database, kit(AnyItem, mode, ("id", "words"), [*now.items()]), chunk_rows)
    whole = mode == Replace()
    extra = before.keys() - now.keys()
    keys = sorted(now.keys() | (extra if whole else set()))
    wrong = [key for key in keys if (key in now, now.get(key)) != (key in before, before.get(key))]
    assert total(found, "missing") == len(now.keys() - before.keys())
    assert total(found, "changed") == sum(before[key] != now[key] for key in before.keys() & now.keys())
    assert total(found, "extra") == (len(extra) if whole else 0)
    assert found.others == (0 if whole else len(extra))
    chunks = sorted({keys.index(key) // chunk_rows for key in wrong})
    assert [(each.number - 1, each.first, each.last) for each in found.differences] == [
        (
            chunk,
            (str(keys[chunk * chunk_rows]),),
            (str(keys[min((chunk + 1) * chunk_rows, len(keys)) - 1]),),
        )
        for chunk in chunks
    ]
    ask(database, "TRUNCATE verify.verify_any_item")
