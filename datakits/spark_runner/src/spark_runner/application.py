"""A Spark application of one run: started when it is needed first, ended with the run."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sqlmodel_framework.errors import DatakitError, StoppedError, TerminalError, UnavailableError
from sqlmodel_framework.runner.step import Log

from .errors import SparkError, explain
from .jvm import Jvm
from .parameters import SparkParameters
from .reach import own_address
from .settings import find_master, spark_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["Application"]

_SECONDS_TO_STOP = 5.0
_SECONDS_BETWEEN_LOOKS = 2.0


class Application:
    """Spark for one run.

    Use it in a `with` block: at its end the application is ended, the Java process too.

    Args:
        name: what the cluster calls it.
        parameters: how it is started.
        log: where to say what happens, and what Spark says.
        mask: takes secrets out of a text.

    Attributes:
        master: where it works.
        folder: for files; it is gone at the end.
    """

    def __init__(
        self, name: str, parameters: SparkParameters, log: Log, mask: Callable[[str], str] = str
    ) -> None:
        self._name = name
        self._parameters = parameters
        self._log = log
        self.mask = mask
        self.master = find_master(parameters, os.environ)
        self._jvm = Jvm(log, mask)
        self._started: Future[SparkSession] | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failure: UnavailableError | None = None
        self._waits_for_executors = False
        self._temporary = tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True)
        self.folder = Path(self._temporary.name)

    def __enter__(self) -> Application:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def session(self) -> SparkSession:
        """The session; the first call starts Spark, and waits for an executor.

        Raises:
            TerminalError: Spark cannot work with these settings.
            UnavailableError: the master or executors are not there in time.
            StoppedError: the application was cancelled meanwhile.
        """
        with self._lock:
            if self._started is None:
                self._started = Future()
                threading.Thread(
                    target=self._start, args=(self._started,), daemon=True, name="spark-start"
                ).start()
        seconds = self._parameters.start_timeout
        try:
            return self._started.result(seconds)
        except NotInTime:
            self._over.set()
            self._jvm.kill()
            if self._waits_for_executors:
                raise self._without_executors("there was") from None
            raise UnavailableError(
                f"Spark was not up within {seconds:g} s on the master {self.master.url}",
                hint="is it a master of this version of Spark? 'start_timeout' says how long to wait",
            ) from None

    def explain(self, error: BaseException) -> BaseException:
        """What an error of Spark means, as a `DatakitError` where it can be told."""
        if self._failure is not None:
            return self._failure
        if isinstance(error, DatakitError):
            return error
        if self._over.is_set():
            return StoppedError("Spark's work was cancelled")
        return explain(error, self.mask, last_words=self._jvm.last_words_if_it_ended())

    def cancel(self) -> None:
        """End what is under way, from another thread."""
        self._over.set()
        if self._started is not None:
            # Whoever waits for the start needs not to wait any more.
            with suppress(InvalidStateError):
                self._started.set_exception(StoppedError("Spark's start was cancelled"))
        self._stop()

    def close(self) -> None:
        """End the application and the Java process."""
        self._over.set()
        self._stop()
        self._temporary.cleanup()

    def _stop(self) -> None:
        """Tell the master, if that goes fast, and end the Java process."""
        session = self._session_now()
        if session is not None and self._jvm.running:

            def stop() -> None:
                with suppress(Exception):
                    session.sparkContext.cancelAllJobs()
                    session.stop()

            stopping = threading.Thread(target=stop, daemon=True, name="spark-stop")
            stopping.start()
            stopping.join(_SECONDS_TO_STOP)
        self._jvm.close() if session is not None else self._jvm.kill()
        if session is not None:
            _forget()

    def _session_now(self) -> SparkSession | None:
        started = self._started
        if started is None or not started.done() or started.exception() is not None:
            return None
        return started.result()

    def _start(self, started: Future[SparkSession]) -> None:
        try:
            session = self._make_session()
        except BaseException as error:
            explained = error if self._over.is_set() else self.explain(error)
            if isinstance(explained, SparkError):
                explained = TerminalError(
                    f"Spark does not start: {explained.message}", hint="look at the settings in 'conf'"
                )
            with suppress(InvalidStateError):
                started.set_exception(explained)
            return
        with suppress(InvalidStateError):
            started.set_result(session)
        if self.master.kind != "local":
            self._watch(session)

    def _make_session(self) -> SparkSession:
        from pyspark import SparkConf, SparkContext
        from pyspark.sql import SparkSession

        begun = time.monotonic()
        settings = spark_settings(
            self.master,
            self._parameters,
            name=self._name,
            folder=self.folder,
            address=own_address(self.master),
            environment=os.environ,
        )
        # Python on the executors has to be this one: their image is this image.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        self._log.info("spark starts", master=self.master.url)
        gateway = self._jvm.start(settings)
        conf = SparkConf(_jvm=gateway.jvm)
        conf.setAll(list(settings.items()))
        context = SparkContext(conf=conf, gateway=gateway)
        if self.master.kind != "local":
            self._waits_for_executors = True
            while not executors(context):
                if self._over.wait(0.2):
                    raise StoppedError("Spark's start was cancelled")
        self._log.info("spark is up", version=context.version, seconds=round(time.monotonic() - begun, 1))
        return SparkSession(context)

    def _watch(self, session: SparkSession) -> None:
        """Spark itself waits without end for executors; this says so, and ends the work."""
        seen = time.monotonic()
        while not self._over.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                there = executors(session.sparkContext)
            except Exception:
                # The Java process is gone: whoever works with it gets to know.
                return
            if there:
                seen = time.monotonic()
            elif time.monotonic() - seen > self._parameters.start_timeout:
                self._failure = self._without_executors("all were lost, and there was")
                with suppress(Exception):
                    session.sparkContext.cancelAllJobs()
                return

    def _without_executors(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"the master {self.master.url} gave no executor: {what} none for "
            f"{self._parameters.start_timeout:g} s",
            hint="has it workers, and have they the cores and the memory that 'conf' asks for?",
        )


def executors(context: Any) -> int:
    """How many executors there are beside the driver."""
    return len(context._jsc.sc().statusTracker().getExecutorInfos()) - 1


def _forget() -> None:
    """Drop what pyspark keeps of the Java process: a next session would talk to nobody."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    with SparkContext._lock:
        SparkContext._gateway = None
        SparkContext._jvm = None
        SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
