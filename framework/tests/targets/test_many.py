from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import DatakitError, Target, TerminalError, TransientError
from sqlmodel_framework.errors import ContractError, LockedError, StoppedError, TargetError, UnavailableError
from sqlmodel_framework.targets.many import Outcome, failure_of, on_many

if TYPE_CHECKING:
    from conftest import Ask, Shop

TARGETS = [Target(f"postgresql://h/{name}", name=name) for name in ("a", "b", "c", "d", "e")]
KINDS = st.sampled_from(
    [None, ContractError, LockedError, StoppedError, TargetError, UnavailableError, DatakitError]
)


def test_outcomes_are_in_the_order_of_the_targets_and_told_as_they_come() -> None:
    first_may_end = threading.Event()

    def work(target: Target) -> str:
        if target.name == "a":
            assert first_may_end.wait(60)
        return target.name.upper()

    told: list[Outcome[str]] = []

    def tell(outcome: Outcome[str]) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append(outcome)
        first_may_end.set()

    outcomes = on_many(TARGETS, work, on_outcome=tell)
    assert [outcome.value for outcome in outcomes] == ["A", "B", "C", "D", "E"]
    assert told[0].target != "a"
    assert sorted(outcome.target for outcome in told) == ["a", "b", "c", "d", "e"]
    assert failure_of(outcomes) is None


def test_no_more_targets_at_once_than_asked_for_and_no_fewer() -> None:
    together = threading.Barrier(2)
    lock, now, most = threading.Lock(), 0, 0

    def work(_target: Target) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        # Nobody passes alone.
        together.wait(60)
        with lock:
            now -= 1

    outcomes = on_many(TARGETS[:4], work, at_once=2)
    assert [outcome.error for outcome in outcomes] == [None] * 4
    assert most == 2


def test_a_failure_hides_no_other() -> None:
    def work(target: Target) -> str:
        if target.name == "b":
            raise LockedError("b is in use", target="b")
        if target.name == "d":
            raise ZeroDivisionError("d is odd")
        return "done"

    outcomes = on_many(TARGETS, work)
    assert [outcome.value for outcome in outcomes] == ["done", None, "done", None, "done"]
    bug = outcomes[3].error
    assert bug is not None
    assert (bug.message, bug.exit_code) == ("target d: unexpected: ZeroDivisionError: d is odd", 70)
    assert isinstance(bug.__cause__, ZeroDivisionError)
    failure = failure_of(outcomes)
    assert failure is not None
    assert failure.message == "2 of 5 targets failed: b, d"
    assert failure.exit_code == 70


def test_an_error_nobody_foresaw_tells_no_secret() -> None:
    def work(target: Target) -> None:
        raise ValueError(f"cannot parse {target.secret_url().password}")

    (outcome,) = on_many([Target("postgresql://h/d", name="t", password="hush-hush")], work)
    assert outcome.error is not None
    assert outcome.error.message == "target t: unexpected: ValueError: cannot parse ***"


@given(st.lists(KINDS, min_size=1, max_size=6))
def test_the_whole_fails_as_its_failures_say(kinds: list[type[DatakitError] | None]) -> None:
    errors = [kind(f"it is {kind.__name__}") if kind else None for kind in kinds]
    outcomes: list[Outcome[None]] = [Outcome(f"t{n}", None, error, 0.0) for n, error in enumerate(errors)]
    failures = [error for error in errors if error is not None]
    lasting = [error for error in failures if not isinstance(error, TransientError)]
    whole = failure_of(outcomes)
    if not failures:
        assert whole is None
        return
    assert whole is not None
    assert whole.exit_code == (lasting or failures)[0].exit_code
    assert isinstance(whole, TransientError) is (not lasting)
    if len(outcomes) > 1:
        assert isinstance(whole, TransientError | TerminalError)
        for number, error in enumerate(errors):
            assert (f"t{number}" in whole.message) is (error is not None)


WORKING = """
import sys
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.runs.stopping import stop_on_sigterm
from sqlmodel_framework.targets.many import on_many

def work(target):
    engine = PostgresEngine(target)
    with engine.transaction() as connection:
        connection.exec_driver_sql(f"INSERT INTO seen VALUES ('{target.name}')")
        # Short statements, so that the signal comes between two of them as well as amid one.
        while True:
            connection.exec_driver_sql(f"SELECT pg_sleep({'60' if target.name == 'long' else '0.001'})")

targets = [Target(sys.argv[1], name=name) for name in ("long", "short", "never")]
try:
    with stop_on_sigterm():
        on_many(targets, work, at_once=2)
except BaseException as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGTERM, "StoppedError"), (signal.SIGINT, "KeyboardInterrupt")]
)
def test_a_signal_ends_all_in_order(
    shop: Shop, database: Target, ask: Ask, number: int, expected: str
) -> None:
    ask(database, "CREATE TABLE seen (name text)")
    url = database.url.render_as_string()
    process = shop.start(url, script=WORKING)
    busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ~ 'pg_sleep'"
    deadline = time.monotonic() + 60
    while ask(database, f"{busy} AND pid <> pg_backend_pid() AND application_name = 'datakit'") != [(2,)]:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
    process.send_signal(number)
    out, err = process.communicate(timeout=50)
    assert (out.strip(), err) == (expected, "")
    assert ask(database, "SELECT * FROM seen") == []
