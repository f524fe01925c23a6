"""What keeps two runs apart on SQLite, whose own locks end with each transaction."""

from __future__ import annotations

import sqlite3

__all__ = ["SUFFIX", "hold_run_lock"]

SUFFIX = "-run"
"""What the lock's file is called after the name of the database's. It stays, and stays empty."""


def hold_run_lock(file: str, seconds: float) -> sqlite3.Connection:
    """Take the lock of a database, as a transaction on a database beside it that is never written.

    The lock is gone when the connection that is returned is closed, or its holder is dead.

    Args:
        file: where the database is.
        seconds: how long to wait for another holder.

    Raises:
        sqlite3.Error: another one holds it, or the file cannot be made.
    """
    held = sqlite3.connect(file + SUFFIX, timeout=seconds, isolation_level=None, check_same_thread=False)
    try:
        held.execute("BEGIN EXCLUSIVE")
    except BaseException:
        held.close()
        raise
    return held
