"""What the tests of published artifacts share: our wheels, and how users come to them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from clean_environment import Environment


@pytest.fixture(scope="session")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: ours and all that they need. It stands for a package index; there is no network."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    for name in os.environ["WHEELS"].split():
        folder.joinpath(Path(name).name).symlink_to(Path(name).resolve())
    return folder


@pytest.fixture
def environment(tmp_path: Path, wheelhouse: Path) -> Environment:
    """An empty environment."""
    return Environment(tmp_path, wheelhouse)


@pytest.fixture(scope="session")
def git_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository that holds `framework/` as this one does."""
    folder = tmp_path_factory.mktemp("repository")
    for name in os.environ["FRAMEWORK_SOURCES"].split():
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(Path(name).read_bytes())
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.invalid"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], [*identity, "commit", "-q", "-m", "All"]):
        subprocess.run(
            ["git", "-C", str(folder), *command], check=True, env={"PATH": os.defpath, "HOME": str(folder)}
        )
    return folder


@pytest.fixture(scope="session")
def uv() -> Path:
    """The uv program."""
    return next(p for path in sys.path if (p := Path(path, "bin/uv")).is_file())
