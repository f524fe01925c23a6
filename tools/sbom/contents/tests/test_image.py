"""A bill of materials lists what is in the layers of its image: neither more nor less."""

from __future__ import annotations

import email.parser
import json
import re
import tarfile
from collections.abc import Iterator

import pytest
from contents import documents
from contents.documents import SUBJECT, Found
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module")
def manifest() -> dict[str, object]:
    (described,) = json.loads((SUBJECT / "index.json").read_text())["manifests"]
    text = (SUBJECT / "blobs/sha256" / described["digest"].removeprefix("sha256:")).read_text()
    return {"digest": described["digest"], **json.loads(text)}


def files(manifest: dict[str, object]) -> Iterator[tuple[str, str, bytes]]:
    """Kind, path and content of what tells of a package in the layers; of Java archives the name does."""
    layers = manifest["layers"]
    assert isinstance(layers, list)
    for layer in layers:
        blob = SUBJECT / "blobs/sha256" / layer["digest"].removeprefix("sha256:")
        with tarfile.open(blob, mode="r|gz") as archive:
            for entry in archive:
                path = entry.name.removeprefix("./")
                if re.match(r"var/lib/dpkg/status\.d/[^/]+$", path):
                    kind = "deb"
                elif re.search(r"/[^/]+\.dist-info/METADATA$", path):
                    kind = "pypi"
                elif re.search(r"^opt/datakit/.*\.jar$", path):
                    kind = "java"
                else:
                    continue
                content = archive.extractfile(entry) if entry.isfile() and kind != "java" else None
                if entry.isfile():
                    yield kind, path, b"" if content is None else content.read()


@pytest.fixture(scope="module")
def found(manifest: dict[str, object]) -> tuple[set[Found], set[str]]:
    """The packages in the layers, and the names of Java archives."""
    packages: set[Found] = set()
    archives: set[str] = set()
    for kind, path, content in files(manifest):
        if kind == "java":
            archives.add(path.rpartition("/")[2])
            continue
        fields = email.parser.BytesParser().parsebytes(content)
        name = fields["Package"] if kind == "deb" else str(canonicalize_name(fields["Name"]))
        packages.add((kind, name, fields["Version"]))
    return packages, archives


def listed(packages: set[Found]) -> set[Found]:
    return {package for package in packages if package[0] in ("deb", "pypi")}


def test_there_is_something(found: tuple[set[Found], set[str]]) -> None:
    assert ("deb", "libc6") in {package[:2] for package in found[0]}


def test_cyclonedx_lists_the_packages_of_the_layers(found: tuple[set[Found], set[str]]) -> None:
    assert listed(documents.packages_of_cyclonedx()) == found[0]


def test_spdx_lists_the_packages_of_the_layers(found: tuple[set[Found], set[str]]) -> None:
    assert listed(documents.packages_of_spdx()) == found[0]


def test_java_archives_are_listed(found: tuple[set[Found], set[str]]) -> None:
    files = {package.get("packageFileName", "") for package in documents.spdx()["packages"]}
    assert {file for file in files if file.endswith(".jar")} == found[1]
    assert len(documents.cyclonedx()["components"]) == len(documents.spdx()["packages"]) - 1


def test_both_name_the_digest_of_the_image(manifest: dict[str, object]) -> None:
    (subject,) = [p for p in documents.spdx()["packages"] if p["SPDXID"] == "SPDXRef-Subject"]
    (sum_,) = subject["checksums"]
    (hash_,) = documents.cyclonedx()["metadata"]["component"]["hashes"]
    assert f"sha256:{sum_['checksumValue']}" == f"sha256:{hash_['content']}" == manifest["digest"]
