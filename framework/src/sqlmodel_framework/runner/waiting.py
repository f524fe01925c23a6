"""Wait for a database that is not there yet."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import UnavailableError
from .step import Log

__all__ = ["wait_until_available"]

_LONGEST_PAUSE = 2.0


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
    while True:
        try:
            attempt()
            return
        except UnavailableError as error:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            log.info("waiting", until_available=what, seconds_left=round(left, 1), reason=error.message)
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
