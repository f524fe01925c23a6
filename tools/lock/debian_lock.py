"""Debian packages, resolved by apt against Debian 12's `main` alone."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Drawn in by maintainer scripts, which never run here: nothing in an image or the toolchain uses them.
UNUSED = frozenset(
    [
        "debconf",
        "dpkg",
        "gcc-12-base",
        "libacl1",
        "libmd0",
        "libpcre2-8-0",
        "libselinux1",
        "libzstd1",
        "openssl",
        "readline-common",
        "tar",
    ]
)


def wanted(text: str) -> list[str]:
    """The names in a `.in` file."""
    return [name for line in text.splitlines() if (name := line.split("#")[0].strip())]


def resolve(names: list[str], apt_conf: Path) -> Iterator[str]:
    """The lines of the lock, sorted, for these packages and all that they depend on."""
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
        for name, version in sorted(planned):
            if name in UNUSED:
                continue
            record = apt("apt-cache", "show", f"{name}={version}")
            found = re.search(r"^SHA256: ([0-9a-f]{64})$", record, re.MULTILINE)
            if not found:
                raise SystemExit(f"apt knows no SHA256 of {name} {version}")
            yield f"{name} {version} {found[1]}"
