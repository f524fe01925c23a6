"""The questions that are asked of a wheel."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from installer.exceptions import InstallerError
from installer.sources import WheelFile
from packaging.metadata import Metadata
from packaging.specifiers import SpecifierSet

# Times that reproducible builds give every file: the earliest that a zip file can hold, hatchling's default.
EPOCHS = frozenset({(1980, 1, 1, 0, 0, 0), (2020, 2, 2, 0, 0, 0)})
REQUIRED = ("summary", "description", "license_expression", "requires_python", "classifiers", "author")


@dataclass(frozen=True)
class Finding:
    """Something wrong with a wheel: in which of its files, and what."""

    where: str
    what: str


def _contents(archive: zipfile.ZipFile) -> Iterator[Finding]:
    names = archive.namelist()
    if len(set(names)) != len(names):
        yield Finding("RECORD", "a file is there twice")
    for member in archive.infolist():
        path = PurePosixPath(member.filename)
        if member.date_time not in EPOCHS:
            yield Finding(member.filename, f"carries the time of its build, {member.date_time}")
        if path.suffix in (".pyc", ".pyo") or "__pycache__" in path.parts:
            yield Finding(member.filename, "is compiled: it belongs to one version of Python")
        if path.parts[0] in ("tests", "test", "src"):
            yield Finding(member.filename, "would be installed as a top-level package")
    packages = {PurePosixPath(name).parts[0] for name in names if name.endswith("/__init__.py")}
    for package in sorted(packages):
        if f"{package}/py.typed" not in names:
            yield Finding(package, "has no py.typed: type checkers ignore its annotations")


def _metadata(text: bytes) -> Iterator[Finding]:
    try:
        metadata = Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        for error in group.exceptions:
            yield Finding("METADATA", str(error))
        return
    for field in REQUIRED:
        if not getattr(metadata, field):
            yield Finding("METADATA", f"does not say its {field.replace('_', '-')}")
    bounds: SpecifierSet = metadata.requires_python or SpecifierSet()
    if any(bound.operator in ("<", "<=", "==", "~=") for bound in bounds):
        yield Finding("METADATA", f"shuts out newer versions of Python: {bounds}")
    if any(requirement.url for requirement in metadata.requires_dist or []):
        yield Finding("METADATA", "requires something by address: an index cannot serve it")


def verify_wheel(wheel: Path) -> list[Finding]:
    """All that is wrong with a wheel file; an empty list when nothing is."""
    with WheelFile.open(wheel) as source:
        try:
            source.validate_record(validate_contents=True)
        except InstallerError as error:
            return [Finding("RECORD", str(error))]
        metadata = source.read_dist_info("METADATA").encode()
    with zipfile.ZipFile(wheel) as archive:
        return [*_contents(archive), *_metadata(metadata)]
