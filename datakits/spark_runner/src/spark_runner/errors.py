"""What errors of Spark mean for whoever has to decide about a retry."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    TargetError,
    TerminalError,
    UnavailableError,
)

__all__ = ["JavaError", "SparkError", "chain_of", "classify", "explain"]


class SparkError(DatakitError):
    """Spark, or code that runs in it, failed in a way that is not known here (exit code 70)."""


@dataclass(frozen=True)
class JavaError:
    """One of a chain of Java's errors.

    Attributes:
        class_name: with its package.
        message: what it says; of many lines, if it likes.
        sql_state: of a database's error.
    """

    class_name: str
    message: str
    sql_state: str | None = None

    @property
    def first_line(self) -> str:
        """The first line of the message, or the class's name when there is no message."""
        lines = [line.strip() for line in self.message.splitlines() if line.strip()]
        return lines[0] if lines else self.class_name.rpartition(".")[2]


def explain(
    error: BaseException, mask: Callable[[str], str] = str, *, last_words: str | None = None
) -> BaseException:
    """The `DatakitError` that an error of Spark means; another error is returned as it is.

    Args:
        error: what was raised.
        mask: takes secrets out of a text.
        last_words: of the Java process, when it is gone.
    """
    from py4j.protocol import Py4JError, Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    if isinstance(error, DatakitError):
        return error
    if last_words is not None and isinstance(error, (Py4JError, PySparkException, OSError)):
        if "OutOfMemoryError" in last_words:
            return _too_small(last_words)
        return UnavailableError(
            f"Spark's Java process ended in the midst of the work: {last_words}",
            hint="was it killed because the container's memory is too small for spark.driver.memory?",
        )
    java = getattr(error, "java_exception", None) if isinstance(error, Py4JJavaError) else None
    if isinstance(error, PySparkException):
        java = getattr(error, "_origin", None)
    if java is None:
        return error
    found = classify(chain_of(java))
    return _masked(found, mask)


def _masked(error: DatakitError, mask: Callable[[str], str]) -> DatakitError:
    return type(error)(mask(error.message), hint=error.hint and mask(error.hint))


def chain_of(java: Any, longest: int = 20) -> list[JavaError]:
    """An error of Java, then its cause, the cause's cause and so on; what a task's error text names, too."""
    chain: list[JavaError] = []
    while java is not None and len(chain) < longest:
        name = java.getClass().getName()
        message = java.getMessage() or ""
        state = java.getSQLState() if name.endswith(("PSQLException", "SQLException")) else None
        chain.append(JavaError(name, message, state))
        java = java.getCause()
    for each in tuple(chain):
        chain += [
            JavaError(found["name"], found["text"].strip()) for found in _IN_TEXT.finditer(each.message)
        ]
    return chain


# A task's error comes as text: "Lost task 0.0 in stage 1.0 (…): org.…Exception: text", "Caused by: …".
_IN_TEXT = re.compile(
    r"(?:\(TID \d+\) \([^)]*\): |Caused by: )(?P<name>[\w.$]+(?:Exception|Error))(?:: (?P<text>[^\n]*))?"
)
_UNREACHABLE = (
    "java.net.UnknownHostException",
    "java.net.ConnectException",
    "java.net.NoRouteToHostException",
    "java.net.SocketTimeoutException",
    "java.net.SocketException",
)
_LOST = re.compile(
    r"ExecutorLostFailure|Master removed our application|SparkContext was (?:shut down|stopped)|"
    r"All masters are unresponsive|cannot be cancelled|stopped SparkContext"
)
_REFUSED = re.compile(
    r"password authentication failed|no password was provided|no pg_hba\.conf entry|"
    r"(?:role|database) \"[^\"]*\" does not exist|is not permitted to log in"
)
_NOT_NOW = re.compile(
    r"Connection to .* refused|connection attempt failed|connection has been closed|I/O error|"
    r"starting up|shutting down|too many (?:clients|connections)|terminating connection"
)
_STATE = re.compile(r"^(?:FATAL|ERROR): ")


def classify(chain: Sequence[JavaError]) -> DatakitError:
    """What a chain of errors means, the most telling of them first."""
    for error in chain:
        if "SQLException" in error.class_name or "PSQLException" in error.class_name:
            return _of_the_database(error)
    for error in chain:
        if error.class_name in _UNREACHABLE:
            return UnavailableError(f"not to be reached from Spark: {error.first_line}")
        if "OutOfMemoryError" in error.class_name:
            return _too_small(error.first_line)
    text = "\n".join(error.message for error in chain)
    if "maxResultSize" in text:
        return TerminalError(
            f"a partition is too large: {chain[0].first_line}",
            hint="more 'partitions', or a larger spark.driver.maxResultSize",
        )
    for error in chain:
        if (
            error.class_name.endswith("PythonException")
            or "Traceback (most recent call last)" in error.message
        ):
            last = [line for line in error.message.splitlines() if line.strip() and line[0] not in " \t"]
            return SparkError(f"on an executor: {_last_of_traceback(last)}")
    if _LOST.search(text):
        return UnavailableError(f"Spark's cluster ended the work: {chain[0].first_line}")
    deepest = chain[-1] if chain else JavaError("", "an error without a word")
    if deepest.class_name.startswith("java.lang.") and "Illegal" in deepest.class_name:
        return TerminalError(f"Spark refuses a setting: {deepest.first_line}")
    if any(error.class_name.endswith("NumberFormatException") for error in chain):
        return TerminalError(f"Spark refuses a setting: {deepest.first_line}")
    if any(error.class_name.endswith("AnalysisException") for error in chain):
        return SparkError(chain[0].first_line)
    return SparkError(f"{deepest.class_name.rpartition('.')[2]}: {deepest.first_line}")


def _too_small(words: str) -> TerminalError:
    return TerminalError(
        f"Spark's memory is too small: {words}",
        hint="more 'partitions', or more memory: spark.driver.memory, spark.executor.memory",
    )


def _last_of_traceback(lines: Sequence[str]) -> str:
    raised = [line for line in lines if re.match(r"[\w.]+(?:Error|Exception|Interrupt|Exit)?(?::|$)", line)]
    return raised[-1] if raised else (lines[-1] if lines else "an error without a word")


def _of_the_database(error: JavaError) -> DatakitError:
    text = _STATE.sub("", error.first_line)
    state = error.sql_state or ""
    message = f"the database, asked by Spark: {text}"
    if _REFUSED.search(text) or state[:2] == "28" or state in ("3D000", "42501"):
        return TargetError(message)
    if _NOT_NOW.search(text) or state[:2] in ("08", "40", "53", "55", "57", "58", "XX"):
        return UnavailableError(message)
    if state[:2] in ("22", "23"):
        return ContractError(message)
    return TerminalError(message)
