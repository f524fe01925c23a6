"""Refreshes the locks: `bazel run //tools/lock:update [-- [--keep] debian|python]`.

Resolves what debian.in and python.in ask for against the machine's own apt and pip configuration and writes
debian.lock and python.lock beside them. The locks name packages, versions and hashes, never a host.
With `--keep`, Python packages that are locked keep their versions, and only new ones are chosen.
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import debian_lock
import python_lock

HEADERS = {
    "debian.lock": "# name version sha256; made by //tools/lock:update from debian.in\n",
    "python.lock": "# name version file sha256 dependencies; made by //tools/lock:update from python.in\n",
}


def write(file: Path, lines: Iterable[str]) -> None:
    """Replaces a lock as a whole, and prints what changed."""
    before = file.read_text() if file.exists() else ""
    after = HEADERS[file.name] + "".join(f"{line}\n" for line in lines)
    changes = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    temporary = file.with_suffix(".new")
    temporary.write_text(after)
    temporary.replace(file)
    print(
        f"{file.name}: {len(after.splitlines()) - 1} packages, "
        + ("unchanged" if not changes else "changed:")
    )
    for change in changes:
        print("  " + " ".join(change.split()[:2]))


def main() -> None:
    """Reads the command line, then refreshes the locks that it asks for."""
    parser = argparse.ArgumentParser(prog="bazel run //tools/lock:update --", description=__doc__)
    parser.add_argument("apt_conf", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("pip_for_debian", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("pip", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("locks", nargs="*", choices=["debian", "python", []], help="default: both")
    parser.add_argument(
        "--keep", action="store_true", help="Python packages that are locked keep their versions"
    )
    arguments = parser.parse_intermixed_args()
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        sys.exit("run it by `bazel run //tools/lock:update`: it writes into the workspace")
    folder = Path(workspace, "tools/lock")
    chosen = arguments.locks or ["debian", "python"]
    if "debian" in chosen:
        asked = (folder / "debian.in").read_text()
        lines = debian_lock.resolve(
            debian_lock.wanted(asked), debian_lock.left_out(asked), arguments.apt_conf
        )
        write(folder / "debian.lock", lines)
    if "python" in chosen:
        pip = [str(arguments.pip_for_debian.resolve()), str(arguments.pip.resolve())]
        lock = folder / "python.lock"
        constraints = python_lock.kept(lock.read_text()) if arguments.keep else []
        write(lock, python_lock.resolve(folder / "python.in", pip, constraints))


if __name__ == "__main__":
    main()
