"""Whose folder it is, and that nothing else is removed."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_airflow.folder import Folder, chosen_folder
from sqlmodel_framework.errors import LockedError, TerminalError


def test_it_lies_in_the_cache_folder_unless_one_is_given(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path), "BUILD_WORKING_DIRECTORY": "/somewhere"}
    assert chosen_folder(None, environment).path == tmp_path / "datakit-airflow"
    assert chosen_folder(Path("here"), environment).path == Path("/somewhere/here")
    assert chosen_folder(Path("/there"), environment).path == Path("/there")


def test_a_folder_that_is_claimed_for_nothing_does_not_stay(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a" / "b")
    with folder.claimed():
        assert folder.path.stat().st_mode & 0o777 == 0o700
    assert not folder.path.exists()


def test_two_cannot_claim_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a")
    with folder.claimed(), pytest.raises(LockedError, match="another up or down"), folder.claimed():
        pass


def test_a_folder_of_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(TerminalError, match="holds files of something else"), Folder(tmp_path).claimed():
        pass
    assert (tmp_path / "thesis.txt").exists()


def test_clearing_removes_what_was_made(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "a")
    with folder.claimed():
        folder.begin()
        (folder.containers / "deep").mkdir(parents=True)
        folder.log.touch()
    assert folder.in_use
    with folder.claimed():
        folder.clear()
    assert not folder.path.exists()
