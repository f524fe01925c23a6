import os
import signal
import threading
import time

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import StoppedError
from sqlmodel_framework.runs.stopping import stop_on_sigterm


def test_sigterm_ends_a_statement_that_the_database_is_working_on(datakit_server: Target) -> None:
    engine = PostgresEngine(datakit_server)
    started = time.monotonic()
    with stop_on_sigterm(), engine.connect():
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with pytest.raises(StoppedError) as caught:
            engine.read_rows("SELECT pg_sleep(60)")
    assert time.monotonic() - started < 30
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
