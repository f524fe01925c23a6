"""A project is found, or it is said what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from dbt_runner.project import find_project
from sqlmodel_framework.errors import TerminalError


def refused(place: Path | str, name: str = "stall") -> TerminalError:
    with pytest.raises(TerminalError) as caught:
        find_project(str(place), name)
    assert caught.value.exit_code == 64
    return caught.value


def test_a_folder(project: Path) -> None:
    assert find_project(str(project), "stall").folder == project


def test_a_folder_in_a_package(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = project.parent / "stall_package"
    package.mkdir()
    (package / "__init__.py").touch()
    project.rename(package / "dbt")
    monkeypatch.setattr(sys, "path", [*sys.path, str(project.parent)])
    assert find_project("stall_package:dbt", "stall").folder == package / "dbt"
    assert "stall_package" in refused("stall_package:other").message
    assert "no_such_package" in refused("no_such_package:dbt").message
    assert "no_such_package.inner" in refused("no_such_package.inner:dbt").message


def test_another_name_is_said(project: Path) -> None:
    message = refused(project, "shop").message
    assert "'stall'" in message
    assert "'shop'" in message


def test_no_project_is_said(tmp_path: Path) -> None:
    assert "holds no dbt_project.yml" in refused(tmp_path).message
    assert "is no folder" in refused(tmp_path / "nothing").message


def test_yaml_that_cannot_be_read_is_said_with_its_line(project: Path) -> None:
    (project / "dbt_project.yml").write_text("name: stall\nmodels: [\n")
    assert "line 3" in refused(project).message
    (project / "dbt_project.yml").write_text("- name\n")
    assert "no mapping" in refused(project).message
    (project / "dbt_project.yml").write_bytes(b"name: \xff")
    assert "UTF-8" in refused(project).message


def test_packages_that_are_missing_are_said(project: Path) -> None:
    (project / "packages.yml").write_text("packages:\n  - local: ../one\n  - local: ../two\n")
    error = refused(project)
    assert "needs 2 packages (packages.yml), and dbt_packages holds 0" in error.message
    assert "dbt deps" in (error.hint or "")
    (project / "dbt_packages/one").mkdir(parents=True)
    assert "holds 1" in refused(project).message
    (project / "dbt_packages/two").mkdir()
    assert find_project(str(project), "stall")


def test_a_file_without_packages_needs_none(project: Path) -> None:
    (project / "packages.yml").write_text("# none yet\n")
    (project / "dependencies.yml").write_text("projects: []\n")
    assert find_project(str(project), "stall")
