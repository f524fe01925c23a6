"""Environments that hold nothing but what a test installs."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

import pip


class Environment:
    """A virtual environment, and what runs in it: nothing of this process's packages is seen there."""

    def __init__(self, folder: Path, wheelhouse: Path) -> None:
        venv.create(folder / "venv", symlinks=True)
        self.folder = folder
        self.python = folder / "venv/bin/python"
        self.variables = {
            "HOME": str(folder),
            "TMPDIR": os.environ["TMPDIR"],
            "PATH": f"{folder / 'venv/bin'}:/usr/bin:/bin",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheelhouse),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        }

    def run(
        self, *command: str | Path, cwd: Path | None = None, variables: dict[str, str] | None = None
    ) -> str:
        """Runs a command that must succeed; returns what it printed to stdout."""
        result = subprocess.run(
            [str(part) for part in command],
            cwd=cwd or self.folder,
            env={**self.variables, **(variables or {})},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, f"{command}:\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def pip(self, *arguments: str | Path) -> str:
        """Runs pip for this environment."""
        return self.run(self.python, Path(pip.__file__).parent, *arguments)

    def installed(self, distribution: str) -> Path:
        """The distribution's .dist-info folder."""
        (folder,) = self.folder.glob(f"venv/lib/python*/site-packages/{distribution}-*.dist-info")
        return folder
