"""A dbt project: where it is, what it is called, and whether its packages are there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from sqlmodel_framework.errors import TerminalError

__all__ = ["Project", "find_project"]

FILE = "dbt_project.yml"
# Where a project names the packages that it needs.
_PACKAGE_FILES = ("packages.yml", "dependencies.yml")
_PLACES = "mount it at /dbt, or name its folder by the parameter 'project': a path, or package:folder"


@dataclass(frozen=True)
class Project:
    """A dbt project.

    Attributes:
        folder: the folder of its dbt_project.yml.
        name: as it calls itself.
    """

    folder: Path
    name: str


def find_project(place: str, name: str) -> Project:
    """The project at a place.

    Args:
        place: a path, or `package:folder` for a folder inside of an installed package.
        name: what the specification calls it.

    Raises:
        TerminalError: there is none, it has another name, or its packages are missing.
    """
    folder = _folder(place)
    content = _read(folder / FILE)
    found = content.get("name")
    if found != name:
        raise TerminalError(
            f"the dbt project in {folder} is called {found!r}, the run's specification calls it {name!r}",
            hint=f"datakit is the name in {FILE}",
        )
    _check_packages(folder, content)
    return Project(folder, name)


def _folder(place: str) -> Path:
    package, colon, inside = place.partition(":")
    if colon and "/" not in package:
        return _folder_of_package(package, inside)
    folder = Path(place).absolute()
    try:
        if (folder / FILE).exists():
            return folder
    except PermissionError:
        raise TerminalError(
            f"{place} cannot be read: Permission denied", hint=f"let user {os.getuid()} read it"
        ) from None
    what = f"holds no {FILE}" if folder.is_dir() else "is no folder"
    raise TerminalError(f"there is no dbt project at {place}: it {what}", hint=_PLACES)


def _folder_of_package(package: str, inside: str) -> Path:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        raise TerminalError(f"there is no package {package!r} with a dbt project", hint=_PLACES)
    for root in spec.submodule_search_locations or ():
        if (Path(root) / inside / FILE).is_file():
            return Path(root, inside).absolute()
    raise TerminalError(f"the package {package!r} has no {inside or '.'}/{FILE}", hint=_PLACES)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TerminalError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TerminalError(f"{path} cannot be read: it is not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise TerminalError(f"{path}:{line} {error.problem}") from None
    except yaml.YAMLError as error:
        raise TerminalError(f"{path} is no YAML: {error}") from None
    if not isinstance(content, dict | None):
        raise TerminalError(f"{path} is no mapping")
    return content or {}


def _check_packages(folder: Path, project: dict[str, Any]) -> None:
    """Nothing is fetched here, so what the project needs from elsewhere has to lie beside it."""
    for name in _PACKAGE_FILES:
        if not (folder / name).exists():
            continue
        needed = _read_packages(folder / name)
        installed = folder / str(project.get("packages-install-path", "dbt_packages"))
        found = sum(1 for one in installed.iterdir() if one.is_dir()) if installed.is_dir() else 0
        if found < needed:
            raise TerminalError(
                f"the dbt project in {folder} needs {needed} packages ({name}), "
                f"and {installed.name} holds {found}",
                hint="run `dbt deps` where the project is made: this runner downloads nothing",
            )


def _read_packages(path: Path) -> int:
    packages = _read(path).get("packages")
    return len(packages) if isinstance(packages, list) else 0
