"""A job is found by its name, and its module is brought to the executors."""

from __future__ import annotations

import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spark_runner.job_module import find_job, ship
from sqlmodel_framework.errors import TerminalError


class Context:
    """Takes what is shipped."""

    def __init__(self) -> None:
        self.shipped: list[str] = []

    def addPyFile(self, path: str) -> None:  # noqa: N802
        self.shipped.append(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "lone_job.py").write_text("limit = 3\ndef daily(context): pass\n")
    (tmp_path / "faulty_job.py").write_text("import surely_not_there\n")
    (tmp_path / "deep_jobs/more").mkdir(parents=True)
    (tmp_path / "deep_jobs/__init__.py").write_text("")
    (tmp_path / "deep_jobs/words.txt").write_text("x")
    (tmp_path / "deep_jobs/more/__init__.py").write_text("")
    (tmp_path / "deep_jobs/more/jobs.py").write_text("def daily(context): pass\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def shipped(name: str, folder: Path) -> list[str]:
    context: Any = Context()
    place = folder / "shipped"
    place.mkdir()
    ship(find_job(name), context, place)
    if not context.shipped:
        return []
    (path,) = context.shipped
    return sorted(zipfile.ZipFile(path).namelist())


def test_a_module_in_an_image_is_shipped_though_its_file_is_of_1970(folder: Path) -> None:
    os.utime(folder / "lone_job.py", (0, 0))
    assert shipped("lone_job:daily", folder) == ["lone_job.py"]


def test_a_function_of_a_module_is_found(folder: Path) -> None:
    job = find_job("lone_job:daily")
    assert job.function.__name__ == "daily"
    assert job.file == str(folder / "lone_job.py")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:f", "there is no module 'no_such_module'"),
        ("deep_jobs.less:f", "there is no module 'deep_jobs.less'"),
        ("lone_job:weekly", "no function 'weekly': there is none"),
        ("lone_job:limit", "no function 'limit': it is a int"),
        ("faulty_job:f", "cannot be imported: ModuleNotFoundError: No module named 'surely_not_there'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_what_cannot_be_found_is_told(name: str, words: str) -> None:
    with pytest.raises(TerminalError) as caught:
        find_job(name)
    assert words in caught.value.message


def test_a_module_is_shipped_alone_and_a_package_whole(folder: Path) -> None:
    assert shipped("lone_job:daily", folder) == ["lone_job.py"]
    (folder / "shipped/lone_job.zip").unlink()
    (folder / "shipped").rmdir()
    assert shipped("deep_jobs.more.jobs:daily", folder) == [
        "deep_jobs/__init__.py",
        "deep_jobs/more/__init__.py",
        "deep_jobs/more/jobs.py",
        "deep_jobs/words.txt",
    ]


def test_what_the_image_has_is_not_shipped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _kind: str(folder))
    assert shipped("lone_job:daily", folder) == []
