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


def report(wanted: Path, pip: list[str], constraints: list[str]) -> list[dict[str, Any]]:
    """What pip would install within these constraints, as its installation report lists it."""
    with tempfile.TemporaryDirectory() as folder:
        file, bounds = Path(folder, "report.json"), Path(folder, "constraints.txt")
        bounds.write_text("".join(f"{line}\n" for line in constraints))
        command = [
            sys.executable,
            *pip,
            "install",
            "--dry-run",
            "--ignore-installed",
            "--quiet",
            f"--report={file}",
            f"--constraint={bounds}",
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


def needs(
    name: NormalizedName, extras: frozenset[str], items: dict[NormalizedName, dict[str, Any]]
) -> frozenset[NormalizedName]:
    """The packages that one needs when these extras of it are asked for.

    What an extra of a dependency brings counts here, not there: others that use the same package do without.
    """
    known = frozenset(items)
    found: set[NormalizedName] = set()
    seen: set[tuple[NormalizedName, frozenset[str]]] = set()
    waiting = [(name, extras)]
    while waiting:
        package, asked = waiting.pop()
        if (package, asked) in seen:
            continue
        seen.add((package, asked))
        plain = dependencies(items[package], frozenset(), known) if package != name else {}
        for dependency, extras_of_it in dependencies(items[package], asked, known).items():
            if dependency not in plain:
                found.add(dependency)
            if extras_of_it - plain.get(dependency, frozenset()):
                waiting.append((dependency, extras_of_it))
    return frozenset(found - {name})


def kept(lock: str) -> list[str]:
    """The packages of a lock as constraints for pip: what is locked stays as it is."""
    rows = [line.split() for line in lock.splitlines() if not line.startswith("#")]
    return [f"{name}=={version}" for name, version, *_ in rows]


def resolve(wanted: Path, pip: list[str], constraints: list[str]) -> Iterator[str]:
    """The lines of the lock, sorted, for the packages of a `.in` file and all that they depend on."""
    items = {canonicalize_name(item["metadata"]["name"]): item for item in report(wanted, pip, constraints)}
    for name, item in sorted(items.items()):
        source = item["download_info"]
        file = unquote(urlsplit(source["url"]).path.rsplit("/", 1)[1])
        digest = source["archive_info"]["hashes"]["sha256"]
        needed = ",".join(sorted(needs(name, frozenset(item.get("requested_extras", [])), items))) or "-"
        yield f"{name} {item['metadata']['version']} {file} {digest} {needed}"
