"""Runs one check over Python files as a Bazel test: `run_checks.py lint|format|types PACKAGE FILE...`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from type_check import SETTINGS, arguments, cache_file


def program(name: str) -> str:
    """The path of a program that a wheel on the import path brings."""
    for folder in map(Path, sys.path):
        if (folder / "bin" / name).is_file():
            return str(folder / "bin" / name)
    raise SystemExit(f"no wheel on the import path brings {name}")


def import_path(package: str) -> list[str]:
    """The folders that a package's modules are imported from; below `tests`, what is shared lies there."""
    above, tests, _ = package.partition("/tests/")
    return [f"{package}/src", f"{package}/tests", package, *([f"{above}/tests"] if tests else [])]


def command(check: str, package: str, files: list[str], temporary: Path) -> list[str]:
    """The command line of a check."""
    if check == "lint":
        return [program("ruff"), "check", f"--config={SETTINGS}", "--no-cache", *files]
    if check == "format":
        return [program("ruff"), "format", f"--config={SETTINGS}", "--no-cache", "--diff", *files]
    os.environ["MYPYPATH"] = os.pathsep.join(import_path(package))
    # mypy writes into its cache.
    cache = cache_file(temporary)
    cache.parent.mkdir(parents=True)
    shutil.copyfile(os.environ["TYPES_CACHE"], cache)
    return [sys.executable, "-m", "mypy", *arguments(temporary, *files)]


def main() -> int:
    """Runs the check and returns its exit code."""
    check, package, *files = sys.argv[1:]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as temporary:
        return subprocess.run(command(check, package, files, Path(temporary))).returncode


if __name__ == "__main__":
    sys.exit(main())
