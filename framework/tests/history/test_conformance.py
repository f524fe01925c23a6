"""What every engine keeps of a table's past, and how it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import Field, Session, select
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.history import FOREVER, as_of, changes_between, history_of

from .conftest import Place, until


class Price(TemporalTableMixin, table=True):
    __tablename__ = "history_price"
    shop: str = Field(primary_key=True, max_length=20)
    item: int = Field(primary_key=True)
    amount: int | None = None


class Customer(TransactionalTableMixin, TemporalTableMixin, table=True):
    __tablename__ = "history_customer"
    id: int = Field(primary_key=True)
    name: str = Field(max_length=40)


@pytest.fixture
def prices(deployed: Place) -> Place:
    deployed.deploy(Price)
    return deployed


@pytest.fixture
def customers(deployed: Place) -> Place:
    deployed.deploy(Customer)
    return deployed


def amounts(place: Place, instant: datetime) -> dict[tuple[str, int], int | None]:
    rows = place.rows(as_of(Price, instant))
    found = {(row.shop, row.item): row.amount for row in rows}
    assert len(found) == len(rows), "two states of one key at one instant"
    return found


def states(place: Place, item: int = 1) -> list[tuple[int | None, datetime, datetime]]:
    """The states of a price, which must be in order, not empty and not overlapping."""
    rows = place.rows(history_of(Price, ("a", item)))
    found = [(row.amount, row.valid_from, row.valid_to) for row in rows]
    assert all(start < end for _, start, end in found)
    assert all(one[2] <= other[1] for one, other in pairwise(found))
    return found


def insert(*rows: tuple[int, int | None]) -> str:
    values = ", ".join(f"('a', {item}, {'NULL' if amount is None else amount})" for item, amount in rows)
    return f"INSERT INTO history_price (shop, item, amount) VALUES {values}"


def set_amount(amount: int, item: int = 1) -> str:
    # By the whole key: only so does MariaDB lock no other row.
    return f"UPDATE history_price SET amount = {amount} WHERE shop = 'a' AND item = {item}"


@pytest.mark.capability("history: states and intervals")
def test_each_state_holds_from_its_beginning_until_the_next(prices: Place) -> None:
    before = prices.instant()
    prices.write(insert((1, 10)))
    first = prices.instant()
    prices.write(set_amount(20))
    second = prices.instant()
    prices.write("DELETE FROM history_price")
    third = prices.instant()

    assert [amounts(prices, instant) for instant in (before, first, second, third)] == [
        {},
        {("a", 1): 10},
        {("a", 1): 20},
        {},
    ]
    (one, two) = states(prices)
    assert one[2] == two[1], "an update leaves no gap"
    assert before < one[1] < first < two[1] < second < two[2] < third
    # Half-open: at the very instant of the update the new state holds.
    assert amounts(prices, two[1]) == {("a", 1): 20}
    assert amounts(prices, two[1] - timedelta(microseconds=1)) == {("a", 1): 10}
    assert amounts(prices, two[2]) == {}


@pytest.mark.capability("history: states and intervals")
def test_the_present_state_has_no_end(prices: Place) -> None:
    prices.write(insert((1, 10)))
    prices.write(set_amount(20))
    assert [end for _, _, end in states(prices)][-1] == FOREVER
    (row,) = prices.rows(select(Price))
    assert row.valid_to == FOREVER
    assert row.valid_from == states(prices)[-1][1]
    assert amounts(prices, datetime.now(UTC) + timedelta(days=36500)) == {("a", 1): 20}


@pytest.mark.capability("history: bulk changes")
def test_a_bulk_change_dates_all_rows_alike_and_keeps_each(prices: Place) -> None:
    prices.write(insert(*((n, n) for n in range(500))))
    first = prices.instant()
    prices.write("UPDATE history_price SET amount = amount + 1000 WHERE item < 400")
    second = prices.instant()
    prices.write("DELETE FROM history_price WHERE item >= 100")
    third = prices.instant()
    assert amounts(prices, first) == {("a", n): n for n in range(500)}
    assert amounts(prices, second) == {("a", n): n + 1000 if n < 400 else n for n in range(500)}
    assert amounts(prices, third) == {("a", n): n + 1000 for n in range(100)}
    assert len({row.valid_from for row in prices.rows(as_of(Price, second))}) == 2


@pytest.mark.capability("history: composite keys")
def test_a_key_has_all_its_columns(prices: Place) -> None:
    prices.write(
        "INSERT INTO history_price (shop, item, amount) VALUES ('a', 1, 1), ('b', 1, 2), ('a', 2, 3)"
    )
    first = prices.instant()
    prices.write("UPDATE history_price SET amount = 9 WHERE shop = 'b'")
    assert amounts(prices, first) == {("a", 1): 1, ("b", 1): 2, ("a", 2): 3}
    assert [row.amount for row in prices.rows(history_of(Price, {"item": 1, "shop": "b"}))] == [2, 9]
    assert [row.amount for row in prices.rows(history_of(Price, ("a", 1)))] == [1]


@pytest.mark.capability("history: updates that change nothing")
def test_an_update_that_changes_nothing_leaves_no_history(prices: Place) -> None:
    prices.write(insert((1, 10), (2, 20), (3, None)))
    prices.write("UPDATE history_price SET amount = amount WHERE item <> 2", set_amount(21, 2))
    expected = 1 if prices.can.no_change == "nothing" else 2
    assert [len(states(prices, item)) for item in (1, 2, 3)] == [expected, 2, expected]


@pytest.mark.capability("history: states and intervals")
def test_a_change_to_null_and_back_is_a_change(prices: Place) -> None:
    prices.write(insert((1, None)))
    prices.write(set_amount(1))
    prices.write("UPDATE history_price SET amount = NULL")
    assert [amount for amount, _, _ in states(prices)] == [None, 1, None]


@pytest.mark.capability("history: several changes in one transaction")
def test_of_several_changes_in_one_transaction_the_last_is_what_others_see(prices: Place) -> None:
    prices.write(insert((1, 0)))
    before = prices.instant()
    prices.write(
        set_amount(1),
        set_amount(2),
        set_amount(3),
        insert((2, 1)),
        "DELETE FROM history_price WHERE item = 2",
    )
    after = prices.instant()
    assert amounts(prices, before) == {("a", 1): 0}
    assert amounts(prices, after) == {("a", 1): 3}
    within = [amount for amount, _, _ in states(prices)]
    by_transaction = prices.can.dated_by == "transaction"
    assert within == ([0, 3] if by_transaction else [0, 1, 2, 3])
    assert [amount for amount, _, _ in states(prices, 2)] == ([] if by_transaction else [1])


@pytest.mark.capability("history: deletes")
def test_a_row_that_is_deleted_and_inserted_again_is_one_row_in_time(prices: Place) -> None:
    prices.write(insert((1, 1)))
    prices.write("DELETE FROM history_price", insert((1, 2)))
    middle = prices.instant()
    prices.write("DELETE FROM history_price")
    absent = prices.instant()
    prices.write(insert((1, 3)))
    assert [amount for amount, _, _ in states(prices)] == [1, 2, 3]
    assert amounts(prices, middle) == {("a", 1): 2}
    assert amounts(prices, absent) == {}


@pytest.mark.capability("history: changed keys")
def test_a_row_whose_key_is_changed_ends_under_the_old_one(prices: Place) -> None:
    prices.write(insert((1, 10), (3, 30)))
    first = prices.instant()
    prices.write("UPDATE history_price SET item = 2 WHERE item = 1")
    second = prices.instant()
    prices.write("UPDATE history_price SET item = item + 100, amount = amount + 1")
    third = prices.instant()
    prices.write("UPDATE history_price SET item = 1 WHERE item = 102")
    assert amounts(prices, first) == {("a", 1): 10, ("a", 3): 30}
    assert amounts(prices, second) == {("a", 2): 10, ("a", 3): 30}
    assert amounts(prices, third) == {("a", 102): 11, ("a", 103): 31}
    assert [amount for amount, _, _ in states(prices, 1)] == [10, 11]
    assert [amount for amount, _, _ in states(prices, 2)] == [10]


@pytest.mark.capability("history: several changes in one transaction")
def test_what_is_rolled_back_never_was(prices: Place) -> None:
    prices.write(insert((1, 1)))
    with prices.session() as connection:
        prices.run(connection, [set_amount(2)])
        with connection.begin_nested() as savepoint:
            prices.run(connection, [set_amount(3), insert((2, 2))])
            savepoint.rollback()
        connection.commit()
        prices.run(connection, [set_amount(4)])
        connection.rollback()
    assert [amount for amount, _, _ in states(prices)] == [1, 2]
    assert states(prices, 2) == []


@pytest.mark.capability("history: truncation")
def test_truncation_is_recorded_or_refused(prices: Place, not_offered: Callable[[], None]) -> None:
    if prices.can.truncation == "not offered":
        not_offered()
    prices.write(insert((1, 1), (2, 2)))
    before = prices.instant()
    if prices.can.truncation == "recorded":
        prices.write("TRUNCATE history_price")
        after = prices.instant()
        assert amounts(prices, after) == {}
        assert states(prices)[0][2] < after
    else:
        with pytest.raises(DBAPIError):
            prices.write("TRUNCATE TABLE history_price")
    assert amounts(prices, before) == {("a", 1): 1, ("a", 2): 2}


FORGERIES = [
    "INSERT INTO history_price (shop, item, valid_from) VALUES ('a', 2, '2001-01-01 00:00:00')",
    "INSERT INTO history_price (shop, item, valid_to) VALUES ('a', 2, '2001-01-01 00:00:00')",
    "UPDATE history_price SET valid_from = '2001-01-01 00:00:00'",
    "UPDATE history_price SET valid_from = '2031-01-01 00:00:00'",
    "UPDATE history_price SET valid_to = '2031-01-01 00:00:00'",
    "UPDATE history_price SET amount = 7, valid_from = '2001-01-01 00:00:00'",
]


@pytest.mark.capability("history: no forged intervals")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_nobody_can_write_an_interval(prices: Place, forgery: str) -> None:
    prices.write(insert((1, 1)))
    (genuine,) = states(prices)
    before = prices.instant()
    if prices.can.forging == "refused":
        with pytest.raises(DBAPIError):
            prices.write(forgery)
        assert states(prices) == [genuine]
        return
    prices.write(forgery)
    after = prices.instant()
    assert states(prices)[0][:2] == genuine[:2]
    assert all(genuine[1] <= start < after for _, start, _ in states(prices) + states(prices, 2))
    assert amounts(prices, before) == {("a", 1): 1}
    assert states(prices)[-1][2] == FOREVER


# Changes by others


@pytest.mark.capability("history: transactions that overlap")
@pytest.mark.parametrize(
    ("change", "found"),
    [
        (set_amount(5), {1: [1, 11, 5], 2: [2]}),
        ("DELETE FROM history_price", {1: [1, 11], 2: [2]}),
        (insert((2, 7)), {1: [1, 11], 2: [2, 7]}),
        ("UPDATE history_price SET item = 2", {1: [1, 11], 2: [2, 11]}),
    ],
)
def test_what_a_newer_transaction_did_is_kept_when_an_older_one_goes_on(
    prices: Place, not_offered: Callable[[], None], change: str, found: dict[int, list[int]]
) -> None:
    if prices.can.waiting is None:
        # Only one connection writes at a time, and it begins with its first statement.
        not_offered()
        return
    prices.write(insert((1, 1), (2, 2)))
    before = prices.instant()
    with prices.session() as old:
        prices.run(old, ["SELECT 1"])
        prices.instant()
        prices.write("UPDATE history_price SET amount = amount + 10 WHERE item = 1")
        prices.write("DELETE FROM history_price WHERE item = 2")
        between = prices.instant()
        prices.run(old, [change])
        old.commit()
    assert {item: [amount for amount, _, _ in states(prices, item)] for item in found} == found
    assert amounts(prices, before) == {("a", 1): 1, ("a", 2): 2}
    if prices.can.dated_by == "statement" or "SET amount" in change or "DELETE" in change:
        assert amounts(prices, between) == {("a", 1): 11}


@pytest.mark.capability("history: transactions that overlap")
def test_a_statement_that_began_earlier_and_comes_later_loses_nothing(
    prices: Place, not_offered: Callable[[], None]
) -> None:
    if prices.can.waiting is None:
        not_offered()
        return
    prices.write(insert((1, 1), (2, 2)))
    with prices.session() as holder, prices.session() as slow, ThreadPoolExecutor(1) as pool:
        prices.run(holder, [set_amount(3, 1)])
        both = "UPDATE history_price SET amount = amount + 100 WHERE shop = 'a' AND item IN (1, 2)"
        work = pool.submit(prices.run, slow, [both])
        waiting = text(prices.can.waiting)

        def waits() -> bool:
            with prices.session() as watcher:
                return bool(watcher.execute(waiting).scalar_one())

        until(waits, "the slow statement waits")
        prices.write(set_amount(4, 2))
        holder.rollback()
        if prices.can.late == "refused":
            with pytest.raises(DBAPIError, match="try again"):
                work.result(60)
            slow.rollback()
            assert [amount for amount, _, _ in states(prices, 2)] == [2, 4]
        else:
            work.result(60)
            slow.commit()
            assert [amount for amount, _, _ in states(prices, 2)] == [2, 4, 104]
            assert [amount for amount, _, _ in states(prices, 1)] == [1, 101]


# Times


def customer(place: Place) -> Customer:
    (row,) = place.rows(select(Customer))
    found: Customer = row
    return found


def moment(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


@pytest.mark.capability("history: times of the row")
def test_updated_at_is_true_whoever_writes(customers: Place) -> None:
    customers.write("INSERT INTO history_customer (id, name) VALUES (1, 'Ada')")
    made = customer(customers)
    later = customers.instant()
    # The clock that a column of whole seconds shows.
    until(lambda: datetime.now(UTC) >= later + timedelta(seconds=1), "a second passes")
    customers.write("UPDATE history_customer SET name = 'Ada L.'")
    changed = customer(customers)
    assert moment(changed.updated_at) >= later - timedelta(milliseconds=1)
    assert moment(changed.updated_at) > moment(made.updated_at)
    assert changed.created_at == made.created_at

    customers.write("UPDATE history_customer SET name = 'Ada L.'")
    assert customer(customers).updated_at == changed.updated_at, "nothing was changed"
    customers.write("UPDATE history_customer SET updated_at = '2001-01-01 00:00:00'")
    assert moment(customer(customers).updated_at) >= moment(changed.updated_at)
    customers.write("UPDATE history_customer SET name = 'A', updated_at = '2001-01-01 00:00:00'")
    assert moment(customer(customers).updated_at) >= moment(changed.updated_at)


@pytest.mark.capability("history: times of the row")
def test_writing_the_time_alone_makes_no_state(customers: Place) -> None:
    customers.write("INSERT INTO history_customer (id, name) VALUES (1, 'Ada')")
    with Session(customers.engine) as session:
        # SQLAlchemy adds updated_at to each update.
        session.execute(update(Customer).values(name="Ada"))
        session.commit()
    expected = 1 if customers.can.no_change == "nothing" else 2
    assert len(customers.rows(history_of(Customer, 1))) == expected


@pytest.mark.capability("history: questions")
def test_objects_are_kept_and_read_through_the_orm(customers: Place) -> None:
    with Session(customers.engine) as session:
        ada = Customer(id=1, name="Ada")
        session.add(ada)
        session.commit()
        made = ada.valid_from
        session.rollback()
        before = customers.instant()
        ada.name = "Ada L."
        session.commit()
        assert ada.valid_from > made
        assert ada.valid_to == FOREVER
        # The session holds the present object, and the past one is another.
        (past,) = session.exec(as_of(Customer, before)).all()
        assert past not in session
        assert (past.name, past.valid_from, past.valid_to) == ("Ada", made, ada.valid_from)
        assert past.valid_from.tzinfo is not None
        session.delete(ada)
        session.commit()
    assert [row.name for row in customers.rows(history_of(Customer, 1))] == ["Ada", "Ada L."]


# Questions


@pytest.mark.capability("history: questions")
def test_changes_are_told_once_each_in_the_order_of_time(prices: Place) -> None:
    start = prices.instant()
    prices.write(insert((1, 1), (2, 2)))
    prices.write(set_amount(10))
    middle = prices.instant()
    prices.write("DELETE FROM history_price WHERE item = 2")
    prices.write("UPDATE history_price SET item = 3")
    end = prices.instant()

    def told(a: datetime, b: datetime) -> list[tuple[int, int | None, str]]:
        rows = prices.rows(changes_between(Price, a, b))
        assert [row.at for row in rows] == sorted(row.at for row in rows)
        assert all(a <= row.at < b for row in rows)
        return [(row.state.item, row.state.amount, row.change) for row in rows]

    first = [(1, 1, "inserted"), (2, 2, "inserted"), (1, 10, "updated")]
    second = [(2, 2, "deleted"), (1, 10, "deleted"), (3, 10, "inserted")]
    assert told(start, middle) == first
    assert told(middle, end) == second
    assert told(start, end) == first + second
    assert told(end, end) == []
    # Half-open: windows that follow each other share nothing and leave nothing out.
    at = prices.rows(changes_between(Price, start, middle))[-1].at
    assert told(start, at) + told(at, middle) == first


@pytest.mark.capability("history: questions")
def test_the_past_can_be_asked_on(prices: Place) -> None:
    prices.write(insert((1, 1), (2, 2), (3, 3)))
    then = prices.instant()
    prices.write("UPDATE history_price SET amount = 0")
    past = as_of(Price, then).subquery().c
    question = select(Price.item, past.amount).where(past.item == Price.item, past.shop == Price.shop)
    assert sorted(prices.rows(question.where(past.amount > 1, Price.amount == 0))) == [(2, 2), (3, 3)]


@pytest.mark.capability("history: questions")
def test_a_statement_is_compiled_once_for_all_instants(prices: Place) -> None:
    prices.write(insert((1, 1)))
    first = prices.instant()
    prices.write(set_amount(2))
    second = prices.instant()
    one, other = as_of(Price, first), as_of(Price, second)
    key, other_key = one._generate_cache_key(), other._generate_cache_key()
    assert key is not None
    assert key == other_key
    assert [amounts(prices, instant) for instant in (first, second, first)] == [
        {("a", 1): 1},
        {("a", 1): 2},
        {("a", 1): 1},
    ]


@pytest.mark.capability("history: questions")
def test_an_instant_in_another_time_zone_is_the_same_instant(prices: Place) -> None:
    from datetime import timezone

    prices.write(insert((1, 1)))
    then = prices.instant()
    prices.write(set_amount(2))
    assert amounts(prices, then.astimezone(timezone(timedelta(hours=5, minutes=30)))) == {("a", 1): 1}


@pytest.mark.capability("history: questions")
def test_the_far_past_and_the_far_future_can_be_asked_for(prices: Place) -> None:
    prices.write(insert((1, 1)))
    assert amounts(prices, datetime(1815, 12, 10, tzinfo=UTC)) == {}
    assert amounts(prices, FOREVER - timedelta(days=1)) == {("a", 1): 1}
    every: list[Any] = prices.rows(
        changes_between(Price, datetime(1815, 12, 10, tzinfo=UTC), FOREVER - timedelta(days=1))
    )
    assert [row.change for row in every] == ["inserted"]


@pytest.mark.capability("history: added columns")
def test_a_column_that_is_added_is_unknown_of_older_states(prices: Place) -> None:
    prices.write(insert((1, 1)))
    before = prices.instant()
    tables = [table_of(Price), *prices.upkeep(table_of(Price)).tables]
    prices.write(*(f"ALTER TABLE {table.name} ADD COLUMN note varchar(9)" for table in tables))
    prices.write(set_amount(2))
    assert amounts(prices, before) == {("a", 1): 1}
