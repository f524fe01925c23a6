"""What dbt tells while it works: lines of the log, and the errors themselves."""

from __future__ import annotations

import sys
from typing import Any

from dbt_common.exceptions import DbtRuntimeError
from sqlmodel_framework.runner.step import Log

from dbt_runner.nodes import NodeResult

__all__ = ["Events"]

_SAID = ("info", "warn", "error")


class Events:
    """A callback for dbt, called with each event in the thread where it happens.

    Args:
        log: where dbt's own messages go, but for those of its level "debug".

    Attributes:
        causes: the error of each node that failed with one, by the node's unique id.
        finished: how each node ended, by its unique id.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._stopping = False
        self.causes: dict[str, BaseException] = {}
        self.finished: dict[str, NodeResult] = {}

    def stop(self) -> None:
        """Let no statement begin any more: each that would fails, so dbt comes to its end in order."""
        self._stopping = True

    def __call__(self, message: Any) -> None:
        """Take an event."""
        info = message.info
        if info.name == "SQLQuery" and self._stopping:
            raise DbtRuntimeError("stopped")
        if info.name == "CatchableExceptionOnRun":
            # dbt keeps the text alone; the error, which has a code, is being handled right now.
            error = sys.exc_info()[1]
            if error is not None:
                self.causes[message.data.node_info.unique_id] = error
        if info.name == "NodeFinished":
            result = NodeResult.of_event(message.data)
            self.finished[result.node] = result
        if info.level in _SAID and info.msg.strip():
            self._say(info.level, info.msg.strip(), info.name)

    def _say(self, level: str, text: str, name: str) -> None:
        say = {"warn": self._log.warning, "error": getattr(self._log, "error", self._log.warning)}
        say.get(level, self._log.info)(text, dbt_event=name)
