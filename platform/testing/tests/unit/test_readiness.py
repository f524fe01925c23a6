"""Waiting says what it waited for and what it saw last."""

from __future__ import annotations

import pytest
from datakit_testing import NotReadyError, wait_until


def test_it_returns_the_first_answer_that_is_not_false() -> None:
    answers = iter([None, 0, "yes", "later"])
    assert wait_until("it answers", lambda: next(answers), interval=0) == "yes"


def test_a_deadline_tells_the_last_answer() -> None:
    with pytest.raises(NotReadyError, match=r"^it answers: not after 0 s; seen last: the answer 0$"):
        wait_until("it answers", lambda: 0, seconds=0, interval=0)


def test_a_deadline_tells_the_last_fault() -> None:
    def probe() -> bool:
        raise ConnectionRefusedError("nobody there\n")

    with pytest.raises(NotReadyError, match=r"seen last: ConnectionRefusedError: nobody there$"):
        wait_until("it answers", probe, seconds=0, interval=0)


def test_a_fault_that_is_not_expected_is_no_answer() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_until("it answers", lambda: 1 // 0, expected=OSError)


def test_it_ends_at_once_when_it_is_not_possible_any_more() -> None:
    with pytest.raises(
        NotReadyError, match=r"not any more after \d+\.\d s: it fell over; seen last: the answer False"
    ):
        wait_until("it answers", lambda: False, still_possible=lambda: "it fell over")
