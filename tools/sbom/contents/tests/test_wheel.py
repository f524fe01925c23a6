"""A bill of materials of a wheel is about that wheel, and lists everything that it asks for."""

from __future__ import annotations

import email.parser
import hashlib
import zipfile

import pytest
from contents import documents
from contents.documents import SUBJECT, Found
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture(scope="module", params=[documents.packages_of_cyclonedx, documents.packages_of_spdx])
def packages(request: pytest.FixtureRequest) -> set[Found]:
    listed: set[Found] = request.param()
    return listed


def metadata() -> email.message.Message[str, str]:
    with zipfile.ZipFile(SUBJECT) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return email.parser.Parser().parsestr(archive.read(name).decode())


def test_both_name_the_wheel_and_its_digest() -> None:
    fields = metadata()
    digest = hashlib.sha256(SUBJECT.read_bytes()).hexdigest()
    (subject,) = [p for p in documents.spdx()["packages"] if p["SPDXID"] == "SPDXRef-Subject"]
    component = documents.cyclonedx()["metadata"]["component"]
    assert subject["name"] == component["name"] == str(canonicalize_name(fields["Name"]))
    assert subject["versionInfo"] == component["version"] == fields["Version"]
    assert subject["checksums"][0]["checksumValue"] == component["hashes"][0]["content"] == digest


def test_what_the_wheel_asks_for_is_listed_in_a_version_that_it_accepts(packages: set[Found]) -> None:
    versions = {name: version for kind, name, version in packages if kind == "pypi"}
    asked = [Requirement(text) for text in metadata().get_all("Requires-Dist", [])]
    always = [r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})]
    assert always
    for requirement in always:
        name = str(canonicalize_name(requirement.name))
        assert requirement.specifier.contains(versions[name], prereleases=True), requirement


def test_the_wheel_is_not_its_own_part(packages: set[Found]) -> None:
    assert str(canonicalize_name(metadata()["Name"])) not in {name for _, name, _ in packages}
