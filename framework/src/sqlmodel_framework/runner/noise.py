"""What a datakit, or a library, prints while a step works becomes lines of the log.

So the report is the last line of standard output whatever was printed before it, standard error stays
JSON, and secrets are masked in what others print, too.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

__all__ = ["noise_is_logged"]

_LINE_ENDS = re.compile(rb"[\r\n]+")
_LONGEST_LINE = 65_536


class _Printed(io.RawIOBase):
    """Bytes that go to the log, line by line."""

    def __init__(self, say: Callable[[str], object], beneath: TextIO) -> None:
        self._say = say
        self._beneath = beneath
        self._rest = b""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        """For programs that are started with this as their output."""
        return self._beneath.fileno()

    def write(self, content: Any, /) -> int:
        *lines, self._rest = _LINE_ENDS.split(self._rest + bytes(content))
        if len(self._rest) > _LONGEST_LINE:
            self.end()
        for line in lines:
            self._tell(line)
        return len(content)

    def end(self) -> None:
        """Tell what has no line end."""
        rest, self._rest = self._rest, b""
        self._tell(rest)

    def _tell(self, line: bytes) -> None:
        if text := line.decode("utf-8", "backslashreplace").rstrip():
            self._say(text)


@contextmanager
def noise_is_logged(log: Callable[[], Any]) -> Iterator[None]:
    """Send to the log what is printed in the block, what is warned of, and errors that nobody can catch.

    Args:
        log: returns the log to write to at that moment.
    """
    before = sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook
    errors = sys.stderr

    def stream(name: str) -> tuple[_Printed, TextIO]:
        raw = _Printed(lambda text: log().info("printed", stream=name, text=text), errors)
        return raw, io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )

    streams = [stream("stdout"), stream("stderr")]
    sys.stdout, sys.stderr = (text for _, text in streams)
    # A driver written in C reports so what it cannot raise.
    sys.excepthook = lambda kind, error, trace: log().warning("uncaught", exc_info=(kind, error, trace))
    sys.unraisablehook = lambda found: log().warning("unraisable", exc_info=found.exc_value)
    logging.captureWarnings(True)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        sys.stdout, sys.stderr, sys.excepthook, sys.unraisablehook = before
        for raw, text in streams:
            # Whoever printed may have closed it.
            if not text.closed:
                text.flush()
            raw.end()
