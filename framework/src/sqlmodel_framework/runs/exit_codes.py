"""Exit codes: what an orchestrator should do next."""

from __future__ import annotations

from enum import IntEnum

from ..errors import DatakitError

__all__ = ["ExitCode", "exit_code_of"]


class ExitCode(IntEnum):
    """What a run ends with; `DatakitError.exit_code` is one of these."""

    DONE = 0
    USAGE = 64
    """Something was asked for wrongly; do not retry."""
    DATA = 65
    """Data broke its contract; do not retry."""
    UNAVAILABLE = 69
    """A service is not there now; retry."""
    BUG = 70
    """A bug in this package or in a datakit."""
    LOCKED = 75
    """Somebody else is at it; try later."""
    STOPPED = 143
    """Stopped in order on SIGTERM."""


def exit_code_of(error: BaseException | None) -> int:
    """What a program exits with that ends with this error."""
    if error is None:
        return ExitCode.DONE
    if isinstance(error, KeyboardInterrupt):
        return 130
    return error.exit_code if isinstance(error, DatakitError) else ExitCode.BUG
