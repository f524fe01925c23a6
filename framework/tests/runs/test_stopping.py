import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import StoppedError
from sqlmodel_framework.runs.stopping import stop_on_sigterm

Ask = Callable[..., list[tuple[object, ...]]]


def test_sigterm_ends_a_statement_that_the_database_is_working_on(database: Target, ask: Ask) -> None:
    engine = PostgresEngine(database)
    asleep = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"

    def stop_when_asleep() -> None:
        deadline = time.monotonic() + 60
        while not ask(database, asleep) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)

    with stop_on_sigterm(), engine.connect():
        threading.Thread(target=stop_when_asleep).start()
        with pytest.raises(StoppedError) as caught:
            engine.read_rows("SELECT pg_sleep(300)")
    assert ask(database, asleep) == []
    assert caught.value.exit_code == 143


def test_the_programs_own_handler_is_left_alone() -> None:
    heard: list[int] = []
    previous = signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    try:
        with stop_on_sigterm():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, previous)
    assert heard == [signal.SIGTERM]


def test_afterwards_sigterm_means_what_it_meant_before() -> None:
    with stop_on_sigterm():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        with stop_on_sigterm():
            pass
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_outside_of_the_main_thread_nothing_changes() -> None:
    seen: list[object] = []

    def look() -> None:
        with stop_on_sigterm():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
