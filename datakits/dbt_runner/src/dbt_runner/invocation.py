"""dbt in this process, in a thread of its own: so a signal ends it in order, whatever it is at.

In the main thread, dbt's own code could take the error that a signal raises for one of its own, and go on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from dbt.adapters.factory import FACTORY
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner, dbtRunnerResult
from sqlmodel_framework.runner.step import Log
from sqlmodel_framework.runs.stopping import cancelling

from dbt_runner.events import Events
from dbt_runner.nodes import NodeResult

__all__ = ["Invocation"]

# Seconds that dbt gets to come to an end after a signal. Whoever sends one often waits for 10 only.
_LONGEST_END = 6.0
_PAUSE = 0.1


class Invocation:
    """One run of dbt's command line in this process.

    Args:
        log: where dbt's messages go.
    """

    def __init__(self, log: Log) -> None:
        self._events = Events(log)
        self._done = threading.Event()
        self._result: dbtRunnerResult | None = None

    @property
    def error(self) -> BaseException | None:
        """What ended dbt as a whole, or None."""
        return self._result.exception if self._result else None

    @property
    def succeeded(self) -> bool:
        """Whether dbt is content."""
        return self._result is not None and self._result.success

    @property
    def results(self) -> list[NodeResult]:
        """How each node ended that did; also after a call that a signal ended."""
        if self._result is None or not isinstance(self._result.result, RunExecutionResult):
            return list(self._events.finished.values())
        return [NodeResult.of_result(one) for one in self._result.result.results]

    def cause(self, result: NodeResult) -> BaseException | None:
        """The error that a node failed with."""
        return self._events.causes.get(result.node)

    def carry_out(self, arguments: Sequence[str]) -> None:
        """Run dbt, to its end.

        Args:
            arguments: as for the program `dbt`.

        Raises:
            StoppedError: SIGTERM came. The statements under way were cancelled, and no other was begun.
        """
        dbt = threading.Thread(target=self._work, args=(list(arguments),), daemon=True, name="dbt")
        with cancelling(self._stop):
            dbt.start()
            try:
                self._done.wait()
            except BaseException:
                deadline = time.monotonic() + _LONGEST_END
                # A statement that was just being sent when it was to be cancelled goes on.
                while not self._done.wait(_PAUSE) and time.monotonic() < deadline:
                    self._stop()
                raise

    def _work(self, arguments: list[str]) -> None:
        try:
            self._result = dbtRunner(callbacks=[self._events]).invoke(arguments)
        finally:
            self._done.set()

    def _stop(self) -> None:
        self._events.stop()
        _cancel_statements()


def _cancel_statements() -> None:
    for adapter in tuple(FACTORY.adapters.values()):
        manager = adapter.connections
        for connection in tuple(manager.thread_connections.values()):
            if connection.state != "open":
                continue
            # dbt ends PostgreSQL's sessions, over a connection more; to cancel what they do is enough.
            cancel = getattr(connection.handle, "cancel", None)
            if cancel is not None:
                cancel()
            else:
                manager.cancel(connection)
