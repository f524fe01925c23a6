"""Runs one check over Python files as a Bazel test: `run_checks.py lint|format|types PACKAGE FILE...`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

SETTINGS = Path("pyproject.toml")


def program(name: str) -> str:
    """The path of a program that a wheel on the import path brings."""
    for folder in map(Path, sys.path):
        if (folder / "bin" / name).is_file():
            return str(folder / "bin" / name)
    raise SystemExit(f"no wheel on the import path brings {name}")


def environment_of_imports(folder: Path) -> Path:
    """A virtual environment that sees what this process sees: mypy then tells third-party code from ours."""
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    site.joinpath("imports.pth").write_text("".join(f"{path}\n" for path in sys.path if path))
    return folder / "bin" / "python"


def command(check: str, package: str, files: list[str], temporary: Path) -> list[str]:
    """The command line of a check."""
    if check == "lint":
        return [program("ruff"), "check", f"--config={SETTINGS}", "--no-cache", *files]
    if check == "format":
        return [program("ruff"), "format", f"--config={SETTINGS}", "--no-cache", "--diff", *files]
    os.environ["MYPYPATH"] = os.pathsep.join([f"{package}/src", f"{package}/tests", package])
    return [
        sys.executable,
        *("-m", "mypy", f"--config-file={SETTINGS}", f"--cache-dir={temporary / 'cache'}"),
        *("--explicit-package-bases", "--namespace-packages"),
        f"--python-executable={environment_of_imports(temporary / 'venv')}",
        *files,
    ]


def main() -> int:
    """Runs the check and returns its exit code."""
    check, package, *files = sys.argv[1:]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as temporary:
        return subprocess.run(command(check, package, files, Path(temporary))).returncode


if __name__ == "__main__":
    sys.exit(main())
