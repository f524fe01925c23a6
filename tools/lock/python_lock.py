"""Python packages, resolved by pip for Python 3.11 on Debian 12."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

Needs = dict[NormalizedName, frozenset[str]]


def report(wanted: Path, pip: list[str]) -> list[dict[str, Any]]:
    """What pip would install, as its installation report lists it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "report.json")
        command = [
            sys.executable,
            *pip,
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            f"--report={file}",
        ]
        subprocess.run([*command, f"--requirement={wanted}"], check=True)
        return list(json.loads(file.read_text())["install"])


def dependencies(item: dict[str, Any], extras: frozenset[str], known: frozenset[NormalizedName]) -> Needs:
    """What a package needs when these extras of it are asked for, and which extras it asks for in turn."""
    needed: Needs = {}
    for text in item["metadata"].get("requires_dist", []):
        requirement = Requirement(text)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            continue
        name = canonicalize_name(requirement.name)
        if name in known:
            needed[name] = needed.get(name, frozenset()) | frozenset(requirement.extras)
    return needed


def resolve(wanted: Path, pip: list[str]) -> Iterator[str]:
    """The lines of the lock, sorted, for the packages of a `.in` file and all that they depend on."""
    items = {canonicalize_name(item["metadata"]["name"]): item for item in report(wanted, pip)}
    known = frozenset(items)
    extras = {name: frozenset(item.get("requested_extras", [])) for name, item in items.items()}
    # An extra that one package asks of another widens what the other needs, which may ask for more in turn.
    while True:
        before = dict(extras)
        for name, item in items.items():
            for dependency, asked in dependencies(item, extras[name], known).items():
                extras[dependency] |= asked
        if extras == before:
            break
    for name, item in sorted(items.items()):
        source = item["download_info"]
        file = unquote(urlsplit(source["url"]).path.rsplit("/", 1)[1])
        digest = source["archive_info"]["hashes"]["sha256"]
        needs = ",".join(sorted(dependencies(item, extras[name], known))) or "-"
        yield f"{name} {item['metadata']['version']} {file} {digest} {needs}"
