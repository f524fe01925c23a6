"""A stream to read from, filled by somebody who writes.

Drivers push: `COPY … TO STDOUT` writes into a file. Loaders pull: they read a file. Between them runs a
pipe, so that rows flow in bounded memory and both databases work at the same time.
"""

from __future__ import annotations

import fcntl
import io
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from ..errors import TerminalError

__all__ = ["PushedStream", "WatchedStream", "refuse_spent"]

_CHUNK = 1 << 18
_PIPE = 1 << 20
_SECONDS_BETWEEN_CANCELS = 0.2


class PushedStream(io.RawIOBase):
    """Reads what `push` writes in another thread.

    An error of `push` is raised at the end of what it wrote, so that half a table never passes for a
    whole one. Closing early ends `push`: its next write fails.

    Args:
        push: writes everything into the file that it is given, and returns.
        cancel: called when the stream is closed early, until `push` ends: for one that waits and does
            not write.
    """

    def __init__(self, push: Callable[[BinaryIO], None], cancel: Callable[[], None] | None = None) -> None:
        reading, writing = os.pipe()
        # The fewer turns the two threads take, the less they wait for each other.
        with suppress(OSError):
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
        self._file = io.BufferedReader(io.FileIO(reading), _CHUNK)
        self._cancel = cancel
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(push, writing), daemon=True, name="push")
        self._thread.start()

    def _run(self, push: Callable[[BinaryIO], None], writing: int) -> None:
        try:
            with os.fdopen(writing, "wb", buffering=_CHUNK) as file:
                push(file)
        except BaseException as error:
            self._error = error

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Read what there is, at most as much as fits; 0 at the end.

        Raises:
            BaseException: what `push` raised.
        """
        count = self._file.readinto1(buffer)
        if count == 0:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return count

    def read(self, size: int | None = -1, /) -> bytes:
        """As `readinto`, without a buffer in between; with a size below 0 everything there is."""
        if size is None or size < 0:
            return self.readall()
        data = self._file.read1(size)
        if not data:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return data

    def close(self) -> None:
        """Stop reading; what is left is thrown away, with whatever error that causes."""
        if not self.closed:
            self._file.close()
            # What is to be cancelled may not even have begun, so once may not be enough.
            while self._cancel is not None and self._thread.is_alive():
                with suppress(Exception):
                    self._cancel()
                self._thread.join(_SECONDS_BETWEEN_CANCELS)
            self._thread.join()
        super().close()


class WatchedStream:
    """What a driver reads from: it counts, and keeps the error that the driver hides from its caller.

    Args:
        file: what is read.
        progress: called with the number of bytes that are read by now.

    Attributes:
        error: what went wrong while reading.
        bytes_read: how many bytes there were until now.
    """

    def __init__(self, file: io.RawIOBase, progress: Callable[[int], None]) -> None:
        self._file = file
        self._progress = progress
        self.bytes_read = 0
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size` of them; none at the end."""
        try:
            data = self._file.read(size) or b""
            self.bytes_read += len(data)
            self._progress(self.bytes_read)
            return data
        except BaseException as error:
            self.error = error
            raise


def refuse_spent(function: Callable[[], Any], name: str) -> None:
    """Refuse a function that offers the same rows only once: the second time there would seem to be none.

    Args:
        function: returns a file or something to go through, anew each time.
        name: what its rows are called.

    Raises:
        TerminalError: it returns one and the same iterator or file.
    """
    try:
        once, again = function(), function()
    except OSError:
        # Who reads it will say what is wrong with it.
        return
    if once is again:
        # A list is the same each time too, and can be gone through again.
        if not hasattr(once, "__iter__") or iter(once) is once:
            raise TerminalError(
                f"{name} cannot be read again: its function returns the same iterator each time",
                hint="return a new one, such as a call of a generator function",
            )
        return
    for opened in (once, again):
        close = getattr(opened, "close", None)
        if callable(close):
            close()
