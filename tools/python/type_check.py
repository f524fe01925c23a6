"""How mypy is run, for a cache as for a check: what one finds, the other knows."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

SETTINGS = Path("pyproject.toml")


def environment_of_imports(folder: Path) -> Path:
    """A virtual environment that sees what this process sees: mypy then tells third-party code from ours."""
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    site.joinpath("imports.pth").write_text("".join(f"{path}\n" for path in sys.path if path))
    return folder / "bin" / "python"


def cache_file(folder: Path) -> Path:
    """Where mypy keeps its cache below a folder."""
    return folder / "cache" / f"{sys.version_info.major}.{sys.version_info.minor}" / "cache.db"


def arguments(folder: Path, *what: str) -> list[str]:
    """The arguments of mypy.

    Args:
        folder: for its cache and its environment.
        what: the files, or whatever else is to be checked.
    """
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return [
        *(f"--config-file={SETTINGS}", f"--cache-dir={folder / 'cache'}"),
        *("--sqlite-cache", "--fixed-format-cache", "--explicit-package-bases", "--namespace-packages"),
        f"--python-executable={environment_of_imports(folder / 'environment')}",
        *what,
    ]
