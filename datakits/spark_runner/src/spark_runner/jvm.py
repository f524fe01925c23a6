"""The Java process that a Spark driver is: its start, its voice, its end."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlmodel_framework.errors import TerminalError, UnavailableError
from sqlmodel_framework.runner.step import Log

from .settings import REDACTED

__all__ = ["Jvm"]

_SECONDS_TO_END = 3.0
_KEPT_LINES = 20
# What Java says when it cannot even begin.
_OF_NO_INTEREST = re.compile(r"^(WARNING|Picked up |Using Spark's |\s+at |\s*$)")


class Jvm:
    """A Java process with Spark in it, which Python talks to.

    What it writes becomes lines of the log. It ends with this process at the latest: its standard input is a
    pipe from here, and it is in a session of its own, so signals for this program do not reach it.

    Args:
        log: where its words go.
        mask: takes secrets out of a text.
    """

    def __init__(self, log: Log, mask: Callable[[str], str]) -> None:
        self._log = log
        self._mask = mask
        self._gateway: Any = None
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reader: threading.Thread | None = None
        self._killed = False
        self._lock = threading.Lock()

    def start(self, settings: Mapping[str, str]) -> Any:
        """Start it, and return the gateway to it, which `SparkContext` takes.

        Args:
            settings: Spark's. Those whose names speak of secrets stay out of its command line.

        Raises:
            TerminalError: it could not start with these settings.
            UnavailableError: it was killed in the meantime.
        """
        from pyspark import SparkConf
        from pyspark.errors import PySparkRuntimeError
        from pyspark.java_gateway import launch_gateway

        launch: Callable[..., Any] = launch_gateway

        secret = re.compile(REDACTED)
        conf = SparkConf(loadDefaults=False)
        conf.setAll([(name, value) for name, value in settings.items() if not secret.search(name)])
        reading, writing = os.pipe()
        self._reader = threading.Thread(target=self._listen, args=(reading,), daemon=True, name="spark-log")
        self._reader.start()
        try:
            gateway = launch(conf, {"stdout": writing, "stderr": writing, "start_new_session": True})
        except PySparkRuntimeError:
            os.close(writing)
            self._reader.join(_SECONDS_TO_END)
            raise TerminalError(
                f"Spark's Java process ended at its start: {self.last_words()}",
                hint="look at the settings in 'conf'",
            ) from None
        except OSError as error:
            os.close(writing)
            raise TerminalError(f"Spark cannot be started: {error}") from None
        os.close(writing)
        with self._lock:
            self._gateway = gateway
            if self._killed:
                self._end()
                raise UnavailableError("Spark was not wanted any more before it was up")
        return gateway

    def last_words(self) -> str:
        """The last lines that were no part of Spark's log, such as those of Java itself; masked."""
        lines = [line for line in self._said if not _OF_NO_INTEREST.match(line)]
        return self._mask("; ".join(lines[-3:])) or "it said nothing"

    def last_words_if_it_ended(self) -> str | None:
        """Its last words, or None while it is there; an end that is under way is waited for."""
        if self._gateway is not None:
            # The connection breaks a moment before the process is gone.
            with suppress(subprocess.TimeoutExpired):
                self._gateway.proc.wait(0.5)
        if self._gateway is None or self.running:
            return None
        if self._reader is not None:
            self._reader.join(_SECONDS_TO_END)
        return self.last_words()

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._gateway is not None and self._gateway.proc.poll() is None

    def kill(self) -> None:
        """End it now. A call that is under way fails; one that starts it ends as soon as it can."""
        with self._lock:
            self._killed = True
            if self._gateway is not None:
                self._end()

    def close(self) -> None:
        """Let it end by itself; kill it when it does not."""
        gateway = self._gateway
        if gateway is not None and self.running:
            with suppress(Exception):
                gateway.shutdown()
            with suppress(OSError):
                gateway.proc.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                gateway.proc.wait(_SECONDS_TO_END)
        self.kill()
        if self._reader is not None:
            self._reader.join(_SECONDS_TO_END)

    def _end(self) -> None:
        process = self._gateway.proc
        process.kill()
        process.wait()

    def _listen(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                text = line.decode("utf-8", "backslashreplace").rstrip()
                if text:
                    self._say(text)

    def _say(self, text: str) -> None:
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not (isinstance(said, dict) and "severity" in said):
            self._said.append(text)
            self._log.info("spark", text=self._mask(text))
            return
        values = {name: self._mask(str(value)) for name, value in said.items() if value}
        say = self._log.info if values.get("severity") in ("INFO", "DEBUG", "TRACE") else self._log.warning
        say("spark", **values)
