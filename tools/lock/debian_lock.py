"""Debian packages, resolved by apt against Debian 12's `main` alone."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


def wanted(text: str) -> list[str]:
    """The names in a `.in` file that are asked for."""
    return [name for name in _names(text) if not name.startswith("-")]


def left_out(text: str) -> frozenset[str]:
    """The names in a `.in` file that stand behind a `-`: drawn in by others, and not used."""
    return frozenset(name[1:] for name in _names(text) if name.startswith("-"))


def _names(text: str) -> list[str]:
    return [name for line in text.splitlines() if (name := line.split("#")[0].strip())]


def resolve(names: list[str], unused: frozenset[str], apt_conf: Path) -> Iterator[str]:
    """The lines of the lock, sorted, for these packages and what they depend on, without the unused."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["bash", apt_conf, folder], check=True)
        environment = {**os.environ, "APT_CONFIG": f"{folder}/apt.conf"}

        def apt(*command: str) -> str:
            return subprocess.run(
                command, check=True, env=environment, stdout=subprocess.PIPE, text=True
            ).stdout

        apt("apt-get", "-qq", "update")
        planned = re.findall(
            r"^Inst (\S+) \((\S+) ", apt("apt-get", "-s", "install", "-y", *names), re.MULTILINE
        )
        if astray := unused - {name for name, _ in planned}:
            raise SystemExit(f"debian.in leaves out what nothing draws in: {', '.join(sorted(astray))}")
        for name, version in sorted(planned):
            if name in unused:
                continue
            record = apt("apt-cache", "show", f"{name}={version}")
            found = re.search(r"^SHA256: ([0-9a-f]{64})$", record, re.MULTILINE)
            if not found:
                raise SystemExit(f"apt knows no SHA256 of {name} {version}")
            yield f"{name} {version} {found[1]}"
