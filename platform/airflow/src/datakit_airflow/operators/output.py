"""What a runner says: lines of its log as they come, and the last line of its output."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Lines"]

_LONGEST = 4_000_000


class Lines:
    """Bytes as lines.

    Args:
        say: is given each line as soon as it is whole.
    """

    def __init__(self, say: Callable[[str], object] | None = None) -> None:
        self._say = say
        self._rest = b""
        self.last: str | None = None

    def feed(self, content: bytes) -> None:
        """Take more bytes."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        if len(self._rest) > _LONGEST:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._tell(line)

    def end(self) -> None:
        """Take what has no line end as a line."""
        rest, self._rest = self._rest, b""
        self._tell(rest)

    def _tell(self, line: bytes) -> None:
        text = line.decode("utf-8", "backslashreplace").rstrip()
        if not text:
            return
        self.last = text
        if self._say is not None:
            self._say(text)
