"""Whatever is done to a table, and whatever its names are, the past is what it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, MetaData, Table, and_, delete, insert, text, update
from sqlalchemy.schema import DropTable
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.history import as_of, changes_between, history_of

from .conftest import Place

# What breaks statements whose names are not quoted, or are quoted by half.
RESERVED = ["order", "select", "time", "new", "old", "NEW", "end", "change", "state", "at", "rowid"]
PUNCTUATED = ["a b", "it's", 'say "hi"', "`tick`", "[box]", "%s", "%(x)s", ":x", "a.b", "-- x", "/* x", ";"]
# What the statements themselves use.
USED = ["$function$", "back\\slash", "wanted", "late", "datakit", "h", "n", "o", "t", "p", "ended"]
AWKWARD = [*RESERVED, *PUNCTUATED, *USED, "User", "é", "日本", "_", "1"]
names = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(
        st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C"]),
        min_size=1,
        max_size=12,
    ),
)
keys = st.tuples(st.integers(0, 1), st.sampled_from(["a", "A", "b'"]))
values = st.tuples(st.none() | st.integers(-3, 3), st.sampled_from([None, "", "x", "X", "x ", "it's"]))
steps = st.one_of(
    st.tuples(st.just("insert"), keys, values),
    st.tuples(st.just("update"), keys, values),
    st.tuples(st.just("delete"), keys, st.none()),
    st.tuples(st.just("move"), keys, keys),
    st.tuples(st.just("touch"), keys, st.none()),
    st.tuples(st.just("update all"), st.none(), values),
    st.tuples(st.just("delete all"), st.none(), st.none()),
)
transactions = st.lists(
    st.tuples(st.lists(steps, min_size=1, max_size=4), st.booleans()), min_size=1, max_size=6
)
Row = dict[tuple[int, str], tuple[int | None, str | None]]
numbers = count()


@dataclass
class Named:
    """A table class with names of any kind, and what should be in the table."""

    model: Any
    columns: tuple[str, str, str, str]
    rows: Row

    @property
    def table(self) -> Table:
        return table_of(self.model)

    def is_key(self, key: tuple[int, str]) -> Any:
        first, second = (self.table.c[name] for name in self.columns[:2])
        return and_(first == key[0], second == key[1])

    def values(self, key: tuple[int, str], value: tuple[Any, Any]) -> dict[str, Any]:
        return dict(zip(self.columns, (*key, *value), strict=True))

    def do(self, connection: Connection, what: str, key: Any, value: Any) -> None:
        """Take a step, here and there, unless there is nothing to take it on."""
        table = self.table
        present = key in self.rows
        if what == "insert" and not present:
            connection.execute(insert(table).values(self.values(key, value)))
            self.rows[key] = value
        elif what == "update" and present:
            connection.execute(update(table).where(self.is_key(key)).values(self.values(key, value)))
            self.rows[key] = value
        elif what == "touch" and present:
            connection.execute(update(table).where(self.is_key(key)).values(self.values(key, self.rows[key])))
        elif what == "delete" and present:
            connection.execute(delete(table).where(self.is_key(key)))
            del self.rows[key]
        elif what == "move" and present and value not in self.rows:
            connection.execute(
                update(table).where(self.is_key(key)).values(self.values(value, self.rows[key]))
            )
            self.rows[value] = self.rows.pop(key)
        elif what == "update all":
            connection.execute(update(table).values(dict(zip(self.columns[2:], value, strict=True))))
            self.rows.update(dict.fromkeys(self.rows, value))
        elif what == "delete all":
            connection.execute(delete(table))
            self.rows.clear()


def model_of(table: str, columns: list[str], schema: str | None, recorded: bool) -> Any:
    kinds = (int, str, int | None, str | None)
    fields: dict[str, Any] = {
        "__module__": __name__,
        "__tablename__": table,
        "__table_args__": {"schema": schema},
        "__annotations__": {f"field_{n}": kind for n, kind in enumerate(kinds)},
    }
    for n, name in enumerate(columns):
        options: dict[str, Any] = {"primary_key": True} if n < 2 else {"default": None}
        if n % 2:
            options["max_length"] = 20
        fields[f"field_{n}"] = Field(**options, sa_column_kwargs={"name": name})
    bases = (TransactionalTableMixin, TemporalTableMixin) if recorded else (TemporalTableMixin,)
    make: Any = type(TemporalTableMixin)
    return make(f"Named{next(numbers)}", bases, fields, table=True)


@contextmanager
def made(place: Place, model: Any) -> Iterator[None]:
    table = table_of(model)
    place.deploy(model)
    try:
        yield
    finally:
        table.metadata.remove(table)
        kept = place.upkeep(table)
        with place.engine.begin() as connection:
            for each in (table, *kept.tables):
                connection.execute(DropTable(Table(each.name, MetaData(), schema=each.schema)))


@pytest.mark.capability("history: any sequence of changes")
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    table=names,
    columns=st.lists(names, min_size=4, max_size=4, unique_by=str.casefold).filter(
        lambda found: (
            not {"valid_from", "valid_to", "created_at", "updated_at"} & {n.casefold() for n in found}
        )
    ),
    in_schema=st.booleans(),
    recorded=st.booleans(),
    plan=transactions,
)
def test_the_past_is_what_it_was(
    place: Place,
    table: str,
    columns: list[str],
    in_schema: bool,
    recorded: bool,
    plan: list[tuple[list[tuple[str, Any, Any]], bool]],
) -> None:
    schema = "any Schema" if in_schema and place.can.schemas else None
    model = model_of(f"t{table}", columns, schema, recorded)
    with made(place, model):
        named = Named(model, (columns[0], columns[1], columns[2], columns[3]), {})
        past: list[tuple[datetime, Row]] = [(place.instant(), {})]
        with place.engine.connect() as connection:
            for work, kept in plan:
                before = dict(named.rows)
                for step in work:
                    named.do(connection, *step)
                if kept:
                    connection.commit()
                else:
                    connection.rollback()
                    named.rows = before
                past.append((place.instant(), dict(named.rows)))
        for instant, rows in past:
            assert seen(place, model, instant) == rows
        check_states(place, named, past)


def seen(place: Place, model: Any, instant: datetime) -> Row:
    rows = place.rows(as_of(model, instant))
    found = {(row.field_0, row.field_1): (row.field_2, row.field_3) for row in rows}
    assert len(found) == len(rows), "two states of one key at one instant"
    return found


def check_states(place: Place, named: Named, past: list[tuple[datetime, Row]]) -> None:
    """The states of each key follow each other, and the changes lead from each instant to the next."""
    for key in {key for _, rows in past for key in rows}:
        states = place.rows(history_of(named.model, key))
        assert all(state.valid_from < state.valid_to for state in states)
        ends = [state.valid_to for state in states]
        assert all(end <= state.valid_from for end, state in zip(ends, states[1:], strict=False))
    for (start, before), (end, after) in pairwise(past):
        rows = dict(before)
        for change in place.rows(changes_between(named.model, start, end)):
            state = change.state
            key, value = (state.field_0, state.field_1), (state.field_2, state.field_3)
            assert (key in rows) == (change.change != "inserted")
            if change.change == "deleted":
                assert rows.pop(key) == value
            else:
                rows[key] = value
        assert rows == after


@pytest.mark.capability("history: any name")
def test_names_of_the_longest_kind_are_kept_apart(deployed: Place) -> None:
    one, other = (model_of("x" * 59 + end, ["a", "b", "c", "d"], None, True) for end in ("one", "two"))
    with made(deployed, one), made(deployed, other):
        for model in (one, other):
            deployed.write(f"INSERT INTO {table_of(model).name} (a, b, c) VALUES (1, 'x', 1)")
        before = deployed.instant()
        for model in (one, other):
            deployed.write(f"UPDATE {table_of(model).name} SET c = 2")
            assert seen(deployed, model, before) == {(1, "x"): (1, None)}
            assert [row.field_2 for row in deployed.rows(history_of(model, (1, "x")))] == [1, 2]


@pytest.mark.capability("history: any name")
def test_a_key_that_others_write_in_another_case_is_another_key(deployed: Place) -> None:
    model = model_of("cased", ["a", "b", "c", "d"], None, False)
    with made(deployed, model):
        with deployed.engine.begin() as connection:
            connection.execute(text("INSERT INTO cased (a, b, d) VALUES (1, 'k', 'word'), (1, 'K', 'word')"))
        before = deployed.instant()
        deployed.write("UPDATE cased SET d = 'Word' WHERE b = 'k'")
        assert seen(deployed, model, before) == {(1, "k"): (None, "word"), (1, "K"): (None, "word")}
        assert [row.field_3 for row in deployed.rows(history_of(model, (1, "k")))] == ["word", "Word"]
