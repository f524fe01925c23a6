"""Waiting for something to be so, with a deadline, and saying what was seen last when it never was."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["NotReadyError", "wait_until"]

Value = TypeVar("Value")


class NotReadyError(AssertionError):
    """It was not so in time; the text says what was seen last."""


def wait_until(
    what: str,
    probe: Callable[[], Value],
    *,
    seconds: float = 60.0,
    interval: float = 0.05,
    still_possible: Callable[[], str | None] = lambda: None,
    expected: type[Exception] | tuple[type[Exception], ...] = Exception,
) -> Value:
    """Asks again and again until the answer is not false, and returns it.

    Args:
        what: what is waited for, for the error: `PostgreSQL answers`.
        probe: asks; an exception counts as a no, and its text as what was seen.
        seconds: the deadline.
        interval: seconds between two questions.
        still_possible: says why it can never be so any more, as when a container ended; None when it can.
        expected: which exceptions of `probe` are a no; others are raised at once.

    Raises:
        NotReadyError: the deadline passed, or it is not possible any more.
    """
    start = time.monotonic()
    while True:
        try:
            answer = probe()
            if answer:
                return answer
            seen = f"the answer {answer!r}"
        except expected as error:
            seen = f"{type(error).__name__}: {str(error).strip()}"
        reason = still_possible()
        passed = time.monotonic() - start
        if reason:
            raise NotReadyError(f"{what}: not any more after {passed:.1f} s: {reason}; seen last: {seen}")
        if passed > seconds:
            raise NotReadyError(f"{what}: not after {seconds:.0f} s; seen last: {seen}")
        time.sleep(interval)
