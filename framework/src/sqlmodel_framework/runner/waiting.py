"""Wait for a database that is not there yet."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..errors import UnavailableError
from .step import Log

__all__ = ["wait_until_available"]

_LONGEST_PAUSE = 2.0
_SECONDS_BETWEEN_LOGS = 10.0


def wait_until_available(attempt: Callable[[], object], what: str, seconds: float, log: Log) -> None:
    """Try until it works, or until the time is over.

    Args:
        attempt: raises `UnavailableError` while the service is not there.
        what: what is waited for, in the log.
        seconds: how long; 0 tries once.
        log: where to say that it waits.

    Raises:
        UnavailableError: the last one, when the time is over.
        DatakitError: any other error of `attempt`, at once: waiting would not mend it.
    """
    deadline = time.monotonic() + seconds
    pause = 0.1
    next_log = 0.0
    while True:
        try:
            _in_a_thread(attempt)
            return
        except UnavailableError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            if time.monotonic() >= next_log:
                log.info("waiting", until_available=what, seconds_left=round(left, 1), reason=error.message)
                next_log = time.monotonic() + _SECONDS_BETWEEN_LOGS
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)


def _in_a_thread(attempt: Callable[[], object]) -> None:
    """Call it beside this thread: a driver that tries to connect keeps a signal waiting until it is done.

    The thread that is left behind when a signal comes does not keep the program from ending.
    """
    errors: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            attempt()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=work, daemon=True, name="waiting").start()
    done.wait()
    if errors:
        raise errors[0]
