"""What a Debian package, a wheel and the Java archives in a wheel say of themselves."""

from __future__ import annotations

import email.parser
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from oci_tool.debian import member
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["Package", "debian_relations", "java_archive", "read_package"]

# What markers of dependencies are about: the interpreter of //platform/python.
_ENVIRONMENT = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
}
_JAVA_ARCHIVE = re.compile(r"(?P<name>.+?)-(?P<version>\d[^/]*)\.jar")


@dataclass(frozen=True)
class Package:
    """A package.

    Attributes:
        kind: `deb`, `pypi` or `maven`, as in package URLs.
        name: its name.
        version: its version; empty where nothing says it.
        sha256: of its file, in hex.
        file_name: its file's name.
        architecture: of a Debian package.
        license: as the package declares it, where it does so in one line.
        needs: the names of packages of the same kind that it needs.
        within: the file name of the package that holds it.
    """

    kind: str
    name: str
    version: str
    sha256: str
    file_name: str
    architecture: str | None = None
    license: str | None = None
    needs: tuple[str, ...] = ()
    within: str | None = None

    @property
    def purl(self) -> PackageURL:
        """The package URL, by which advisories find it."""
        if self.kind == "deb":
            qualifiers = {"arch": self.architecture or "", "distro": "debian-12"}
            return PackageURL("deb", "debian", self.name, self.version, qualifiers)
        if self.kind == "maven":
            group, _, name = self.name.rpartition(":")
            # Without its group nobody else could tell which archive is meant.
            return PackageURL("maven" if group else "generic", group or None, name, self.version or None)
        return PackageURL("pypi", None, self.name, self.version)


def read_package(file: Path) -> Iterator[Package]:
    """The package in a .deb or .whl file, and the Java archives in it."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if file.suffix == ".deb":
        yield _debian(file, digest)
        return
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        (metadata,) = [n for n in names if re.fullmatch(r"[^/]+\.dist-info/METADATA", n)]
        yield _wheel(email.parser.Parser().parsestr(archive.read(metadata).decode()), file, digest)
        for name in sorted(names):
            if name.endswith(".jar"):
                yield java_archive(name, archive.read(name), file.name)


def _debian(file: Path, digest: str) -> Package:
    with member(file, "control.tar") as control:
        text = _file_of(control, "control")
    fields = email.parser.Parser().parsestr(text)
    return Package(
        "deb",
        fields["Package"],
        fields["Version"],
        digest,
        file.name,
        architecture=fields["Architecture"],
        needs=tuple(debian_relations(fields)),
    )


def _file_of(archive: tarfile.TarFile, name: str) -> str:
    for entry in archive:
        if entry.name.removeprefix("./") == name and (content := archive.extractfile(entry)) is not None:
            return content.read().decode()
    raise ValueError(f"there is no {name}")


def debian_relations(fields: Message[str, str]) -> Iterator[str]:
    """The names of the packages that a control file asks for, every alternative included."""
    for field in ("Pre-Depends", "Depends"):
        for alternative in re.split(r"[,|]", fields.get(field, "")):
            if match := re.match(r"\s*([a-z0-9][a-z0-9.+-]+)", alternative):
                yield match[1]


def _wheel(fields: Message[str, str], file: Path, digest: str) -> Package:
    needs = []
    for text in fields.get_all("Requires-Dist", []):
        requirement = Requirement(text)
        # Extras too: whether one was asked for, the packages that are there tell.
        marker = requirement.marker
        extras = ["", *fields.get_all("Provides-Extra", [])]
        if marker is None or any(marker.evaluate({**_ENVIRONMENT, "extra": extra}) for extra in extras):
            needs.append(str(canonicalize_name(requirement.name)))
    return Package(
        "pypi",
        str(canonicalize_name(fields["Name"])),
        fields["Version"],
        digest,
        file.name,
        license=fields.get("License-Expression"),
        needs=tuple(dict.fromkeys(needs)),
    )


def java_archive(path: str, content: bytes, within: str) -> Package:
    """A Java archive; its name and version are what Maven wrote into it, or what its file is called."""
    file_name = path.rpartition("/")[2]
    found = _JAVA_ARCHIVE.fullmatch(file_name)
    name, version = (found["name"], found["version"]) if found else (file_name.removesuffix(".jar"), "")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        described = [n for n in archive.namelist() if re.fullmatch(r"META-INF/maven/.+/pom\.properties", n)]
        for place in described:
            properties = dict(
                line.split("=", 1)
                for line in archive.read(place).decode("utf-8", "replace").splitlines()
                if "=" in line and not line.startswith("#")
            )
            # An archive can hold others' classes, with what Maven wrote of them.
            if properties.get("artifactId") == name or len(described) == 1:
                name = f"{properties['groupId'].strip()}:{properties['artifactId'].strip()}"
                version = properties["version"].strip()
                break
    digest = hashlib.sha256(content).hexdigest()
    return Package("maven", name, version, digest, file_name, within=within)
