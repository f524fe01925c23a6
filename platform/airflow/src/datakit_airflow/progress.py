"""A runner's log lines, JSON on its standard error, as lines of the task's log."""

from __future__ import annotations

import json
import logging
from typing import Any

__all__ = ["log_line", "readable"]

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
# Every line has these, and the task's log says them anyway.
_LEFT_OUT = frozenset({"event", "level", "timestamp", "runner", "run_id", "datakit", "step"})


def readable(line: str) -> tuple[int, str]:
    """The level of a line, and what it says, for people."""
    try:
        content: Any = json.loads(line)
    except ValueError:
        return logging.INFO, line
    if not isinstance(content, dict) or not isinstance(content.get("event"), str):
        return logging.INFO, line
    level = _LEVELS.get(str(content.get("level")), logging.INFO)
    values = (f"{name}={_short(value)}" for name, value in content.items() if name not in _LEFT_OUT)
    return level, " ".join((content["event"], *values))


def log_line(log: Any, line: str) -> None:
    """Write a line of a runner to the task's log."""
    if line.strip():
        level, text = readable(line.rstrip())
        log.log(level, "%s", text)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
