"""The pytest plugin: containers, databases, a browser, runs of images; their logs where a test fails."""

from __future__ import annotations

import functools
import os
import signal
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType

import pytest

from .browser import Browser, start_browser
from .containers import Containers, remove_all
from .databases import Database, start_mariadb, start_postgres
from .docker_api import DockerApi
from .engine import NO_ENGINE, engine_of_this_process
from .images import Images
from .running import RunImage, run_image

# Set by the test's first process: the label's value, and a folder for what its processes share.
OWNER_VARIABLE = "DATAKIT_TESTING_OWNER"
FOLDER_VARIABLE = "DATAKIT_TESTING_FOLDER"

_current: list[Containers] = []
_test_started = time.monotonic()


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """Containers on a private network, this process's alone."""
    engine = engine_of_this_process()
    if engine is None:
        pytest.skip(NO_ENGINE)
    owner = os.environ[OWNER_VARIABLE]
    images = Images(engine, Path(os.environ[FOLDER_VARIABLE]), owner)
    with Containers(engine, images, owner) as containers:
        _current.append(containers)
        try:
            yield containers
        finally:
            _current.remove(containers)


@pytest.fixture(scope="session")
def postgres(containers: Containers) -> Database:
    """A PostgreSQL database, ready, of the image that the target calls `postgres`."""
    return start_postgres(containers)


@pytest.fixture(scope="session")
def mariadb(containers: Containers) -> Database:
    """A MariaDB database, ready, of the image that the target calls `mariadb`."""
    return start_mariadb(containers)


@pytest.fixture(scope="session")
def browser(containers: Containers) -> Browser:
    """A browser, ready, of the image that the target calls `chromium`."""
    return start_browser(containers)


@pytest.fixture(scope="session")
def docker_api(containers: Containers) -> Iterator[DockerApi]:
    """A Docker API for programs that start containers, on the network of `containers`."""
    with DockerApi(containers) as api:
        yield api


@pytest.fixture(name="run_image", scope="session")
def _run_image(containers: Containers) -> RunImage:
    """Runs an image to its end: see `datakit_testing.running.run_image`."""
    return functools.partial(run_image, containers)


def pytest_configure() -> None:
    """Lets a SIGTERM, which is how a test's time ends, take the way of a fault: by the fixtures' ends."""
    signal.signal(signal.SIGTERM, _terminated)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the way out is not interrupted again
    pytest.exit("ended by SIGTERM", returncode=128 + signal.SIGTERM)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Remembers when the test began: older containers' logs do not belong to it."""
    global _test_started
    _test_started = time.monotonic()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a failure what the containers said; the whole of it goes to Bazel's folder of outputs."""
    report = yield
    if report.failed:
        for name, text in _said(item.name):
            report.sections.append((f"container {name}", text))
    return report


@pytest.hookimpl(trylast=True)  # after the fixtures' ends
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Empties a shared engine of all that is ours, in case the test's first process cannot any more."""
    engine = engine_of_this_process()
    if engine and not engine.private and not hasattr(session.config, "workerinput"):
        remove_all(engine, os.environ[OWNER_VARIABLE])


def pytest_keyboard_interrupt() -> None:
    """Writes down what the containers said when the test's time has passed."""
    for name, text in _said("interrupted"):
        os.write(2, f"--- container {name} ---\n{text}\n".encode())


def _said(what: str) -> Iterator[tuple[str, str]]:
    folder = os.environ.get("TEST_UNDECLARED_OUTPUTS_DIR")
    for containers in _current:
        for name, text in containers.what_they_said(_test_started):
            yield name, text
        if folder:
            for name, text in containers.what_they_said(_test_started, lines=100_000):
                Path(folder, f"{what.replace('/', '_')[:80]}.{name}.log").write_text(text)
