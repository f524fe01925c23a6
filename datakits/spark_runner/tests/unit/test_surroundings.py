"""The master that is asked, the executor that a pod becomes, and the words of Java."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import Any

import pytest
from spark_runner.beside import carry_out_beside
from spark_runner.executor import executor_command
from spark_runner.jvm import Jvm
from spark_runner.reach import own_address
from spark_runner.settings import Master
from sqlmodel_framework.errors import UnavailableError


def test_a_master_that_answers_tells_our_own_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = ("127.0.0.1", server.getsockname()[1])
        assert own_address(Master("spark://m", "spark", (("127.0.0.1", 1), place))) == "127.0.0.1"


def test_a_master_in_this_process_has_no_address() -> None:
    assert own_address(Master("local[*]", "local")) is None


def test_masters_that_do_not_answer_are_all_named() -> None:
    master = Master("spark://127.0.0.1:1,127.0.0.1:2", "spark", (("127.0.0.1", 1), ("127.0.0.1", 2)))
    with pytest.raises(UnavailableError) as caught:
        own_address(master)
    assert caught.value.message == (
        "the master spark://127.0.0.1:1,127.0.0.1:2 cannot be reached: "
        "127.0.0.1:1: Connection refused; 127.0.0.1:2: Connection refused"
    )


def test_a_host_that_nobody_knows_is_told() -> None:
    with pytest.raises(UnavailableError, match=r"nowhere\.invalid:7077"):
        own_address(Master("spark://nowhere.invalid", "spark", (("nowhere.invalid", 7077),)))


POD = {
    "JAVA_HOME": "/java",
    "SPARK_HOME": "/opt/spark",
    "SPARK_CONF_DIR": "/opt/spark/conf",
    "SPARK_CLASSPATH": "/usr/share/java/postgresql.jar",
    "SPARK_EXECUTOR_MEMORY": "1g",
    "SPARK_DRIVER_URL": "spark://driver",
    "SPARK_EXECUTOR_ID": "3",
    "SPARK_EXECUTOR_CORES": "2",
    "SPARK_APPLICATION_ID": "app-1",
    "SPARK_EXECUTOR_POD_IP": "10.0.0.3",
    "SPARK_EXECUTOR_POD_NAME": "run-exec-3",
    "SPARK_RESOURCE_PROFILE_ID": "0",
    "SPARK_JAVA_OPT_10": "-Dten=1",
    "SPARK_JAVA_OPT_2": "-Dtwo=1",
}


def test_a_pod_becomes_an_executor() -> None:
    assert executor_command(POD) == [
        *("/java/bin/java", "-Dtwo=1", "-Dten=1", "-Xms1g", "-Xmx1g"),
        *("-cp", "/usr/share/java/postgresql.jar:/opt/spark/jars/*:/opt/spark/conf"),
        "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
        *("--driver-url", "spark://driver", "--executor-id", "3", "--cores", "2", "--app-id", "app-1"),
        *("--hostname", "10.0.0.3", "--resourceProfileId", "0", "--podName", "run-exec-3"),
    ]


def test_a_variable_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="SPARK_DRIVER_URL"):
        executor_command({name: value for name, value in POD.items() if name != "SPARK_DRIVER_URL"})


class Said:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **values: Any) -> None:
        self.lines.append(("info", values))

    def warning(self, event: str, **values: Any) -> None:
        self.lines.append(("warning", values))


def test_what_java_says_becomes_lines_of_the_log_without_secrets() -> None:
    log = Said()
    jvm = Jvm(log, lambda text: text.replace("hush", "***"))
    jvm._say('{"severity": "WARN", "logger": "a.B", "text": "hush!", "exception": ""}')
    jvm._say('{"severity": "INFO", "text": "fine"}')
    jvm._say("Error: Invalid heap hush")
    jvm._say("[1, 2]")
    assert log.lines == [
        ("warning", {"severity": "WARN", "logger": "a.B", "text": "***!"}),
        ("info", {"severity": "INFO", "text": "fine"}),
        ("info", {"text": "Error: Invalid heap ***"}),
        ("info", {"text": "[1, 2]"}),
    ]
    assert jvm.last_words() == "Error: Invalid heap ***; [1, 2]"


def test_work_beside_raises_what_it_raised() -> None:
    def work() -> None:
        assert threading.current_thread() is not threading.main_thread()
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        carry_out_beside(work, lambda: None)


def test_a_waiting_that_is_cut_short_by_a_signal_cancels_the_work() -> None:
    cancelled = threading.Event()
    ended = threading.Event()

    def work() -> None:
        os.kill(os.getpid(), signal.SIGALRM)
        assert cancelled.wait(30)
        ended.set()

    def interrupt(_number: int, _frame: object) -> None:
        raise InterruptedError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(InterruptedError):
            carry_out_beside(work, cancelled.set)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended.wait(30)
