"""Locks for dbt, which asks for those between processes, and starts none.

They would need a /dev/shm that can be written, which a container with read-only files need not have, and a
helper process of Python, which would inherit the password. Locks between threads are all that is needed.
"""

from __future__ import annotations

import multiprocessing
import threading

__all__ = ["use_locks_between_threads"]


def use_locks_between_threads() -> None:
    """Let this process's locks of multiprocessing be such. Before dbt is imported: it takes hold of them."""
    # The second is the one of pools of threads.
    for context in (multiprocessing.get_context("spawn"), multiprocessing.get_context()):
        context.Lock = threading.Lock  # type: ignore[method-assign,assignment]
        context.RLock = threading.RLock  # type: ignore[method-assign,assignment]
