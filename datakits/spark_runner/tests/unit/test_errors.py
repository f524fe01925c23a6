"""What went wrong in Java, in one line, with the exit code that it deserves."""

from __future__ import annotations

import pytest
from spark_runner.errors import JavaError, SparkError, chain_of, classify, explain
from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    TargetError,
    TerminalError,
    UnavailableError,
)

SQL = "org.postgresql.util.PSQLException"
SPARK = "org.apache.spark.SparkException"


class Throwable:
    """An error of Java, as Python sees it."""

    def __init__(
        self, name: str, message: str | None, cause: Throwable | None = None, state: str | None = None
    ) -> None:
        self.name, self.message, self.cause, self.state = name, message, cause, state

    def getClass(self) -> Throwable:  # noqa: N802
        return self

    def getName(self) -> str:  # noqa: N802
        return self.name

    def getMessage(self) -> str | None:  # noqa: N802
        return self.message

    def getCause(self) -> Throwable | None:  # noqa: N802
        return self.cause

    def getSQLState(self) -> str | None:  # noqa: N802
        return self.state


@pytest.mark.parametrize(
    ("message", "state", "expected"),
    [
        ('FATAL: password authentication failed for user "me"', "28P01", TargetError),
        ('FATAL: database "x" does not exist', "3D000", TargetError),
        ("ERROR: permission denied for table t", "42501", TargetError),
        ('ERROR: relation "t" does not exist', "42P01", TerminalError),
        ("ERROR: division by zero", "22012", ContractError),
        ("Connection to db:5432 refused. Check that the hostname is correct", "08001", UnavailableError),
        ("The connection attempt failed.", None, UnavailableError),
        ("FATAL: sorry, too many clients already", "53300", UnavailableError),
        ("FATAL: terminating connection due to administrator command", "57P01", UnavailableError),
        ("ERROR: could not serialize access", "40001", UnavailableError),
    ],
)
def test_the_databases_error_decides(message: str, state: str | None, expected: type[DatakitError]) -> None:
    chain = chain_of(Throwable(SPARK, "Job aborted", Throwable(SQL, message, state=state)))
    error = classify(chain)
    assert type(error) is expected
    assert message.partition(": ")[2][:20] in error.message or message[:20] in error.message


def test_an_error_of_a_task_is_found_in_its_text() -> None:
    text = (
        "Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times, most recent failure: Lost "
        "task 0.3 in stage 1.0 (TID 7) (10.0.0.3 executor 1): org.postgresql.util.PSQLException: The "
        "connection attempt failed.\n\tat org.postgresql.Driver.connect(Driver.java:1)\n"
        "Caused by: java.net.UnknownHostException: db\n\t... 9 more\n"
    )
    error = classify(chain_of(Throwable(SPARK, text)))
    assert type(error) is UnavailableError
    assert error.message == "the database, asked by Spark: The connection attempt failed."


@pytest.mark.parametrize(
    ("name", "message", "expected", "words"),
    [
        ("java.net.UnknownHostException", "db", UnavailableError, "db"),
        ("java.lang.OutOfMemoryError", "Java heap space", TerminalError, "memory is too small"),
        (SPARK, "Total size of serialized results is bigger than spark.driver.maxResultSize (1 GiB)",
         TerminalError, "partition is too large"),
        (SPARK, "Master removed our application: FAILED", UnavailableError, "ended the work"),
        ("java.lang.IllegalArgumentException", "spark.x is wrong", TerminalError, "refuses a setting"),
        ("org.apache.spark.api.python.PythonException", 'Traceback (most recent call last):\n  File "a.py"\n'
         "ValueError: no\n", SparkError, "on an executor: ValueError: no"),
        ("java.lang.NullPointerException", None, SparkError, "NullPointerException"),
    ],
)  # fmt: skip
def test_other_errors_are_told_apart(
    name: str, message: str | None, expected: type[DatakitError], words: str
) -> None:
    error = classify(chain_of(Throwable(name, message)))
    assert type(error) is expected
    assert words in error.message


def test_a_circle_of_causes_ends() -> None:
    error = Throwable(SPARK, "round")
    error.cause = error
    assert len(chain_of(error)) == 20


def test_no_error_at_all_is_still_told() -> None:
    assert classify([]).message.endswith("an error without a word")


def test_secrets_are_masked() -> None:
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    class CaughtError(Py4JJavaError):  # type: ignore[misc]
        def __init__(self) -> None:
            self.java_exception = Throwable(SQL, "hush is wrong", state="28000")

    found = explain(CaughtError(), lambda text: text.replace("hush", "***"))
    assert isinstance(found, TargetError)
    assert found.message == "the database, asked by Spark: *** is wrong"


def test_a_java_process_that_died_is_told() -> None:
    from py4j.protocol import Py4JNetworkError

    error = Py4JNetworkError("Answer from Java side is empty")
    found = explain(error, last_words="it said nothing")
    assert isinstance(found, UnavailableError)
    assert "spark.driver.memory" in (found.hint or "")
    words = "Terminating due to java.lang.OutOfMemoryError: Java heap space"
    assert isinstance(explain(error, last_words=words), TerminalError)


def test_an_error_that_is_not_sparks_is_left_alone() -> None:
    for error in (ValueError("mine"), ContractError("mine")):
        assert explain(error) is error


def test_a_javaerror_without_a_message_is_called_by_its_class() -> None:
    assert JavaError("java.lang.StackOverflowError", "").first_line == "StackOverflowError"
