"""Work in another thread, so that a signal reaches the main thread while the work waits for Java."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["carry_out_beside"]


def carry_out_beside(work: Callable[[], None], cancel: Callable[[], None]) -> None:
    """Call `work` in another thread, and wait for its end.

    Args:
        work: what to do. What it raises is raised here.
        cancel: called when the waiting is cut short, by a signal.
    """
    errors: list[BaseException] = []
    done = threading.Event()

    def carry_out() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    try:
        threading.Thread(target=carry_out, daemon=True, name="work").start()
        done.wait()
    except BaseException:
        cancel()
        raise
    if errors:
        raise errors[0]
