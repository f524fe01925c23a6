"""What is read out of packages, and what becomes of it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from sample import deb, wheel
from sbom_tool.bill import Bill, spdx_license
from sbom_tool.cyclonedx import to_cyclonedx
from sbom_tool.packages import Package, java_archive, read_package
from sbom_tool.spdx import to_spdx


def jar(members: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return out.getvalue()


def package(kind: str, name: str, version: str = "1", needs: tuple[str, ...] = ()) -> Package:
    return Package(kind, name, version, f"{hash(name) & (1 << 255) - 1:064x}", f"{name}.file", needs=needs)


def test_a_debian_package_says_what_it_is(tmp_path: Path) -> None:
    (found,) = read_package(deb(tmp_path / "libfoo1.deb", {"usr/lib/libfoo.so": "x"}))
    assert (found.kind, found.name, found.version, found.file_name) == ("deb", "libfoo1", "1", "libfoo1.deb")


def test_a_wheel_says_what_it_is(tmp_path: Path) -> None:
    (found,) = read_package(wheel(tmp_path / "some_thing-2-py3-none-any.whl", {"some_thing.py": ""}))
    assert (found.kind, found.name, found.version) == ("pypi", "some-thing", "2")
    assert found.purl.to_string() == "pkg:pypi/some-thing@2"


@pytest.mark.parametrize(
    ("path", "members", "purl"),
    [
        ("jars/foo-bar-1.2.jar", {}, "pkg:generic/foo-bar@1.2"),
        ("jars/plain.jar", {}, "pkg:generic/plain"),
        (
            "jars/foo-1.jar",
            {"META-INF/maven/g/foo/pom.properties": "#x\ngroupId=org.g\nartifactId=foo\nversion=1\n"},
            "pkg:maven/org.g/foo@1",
        ),
        (
            # It holds another's classes; neither of both is the archive itself.
            "jars/foo-1.jar",
            {
                "META-INF/maven/a/a/pom.properties": "groupId=a\nartifactId=a\nversion=7\n",
                "META-INF/maven/b/b/pom.properties": "groupId=b\nartifactId=b\nversion=8\n",
            },
            "pkg:generic/foo@1",
        ),
    ],
)
def test_a_java_archive_says_what_it_is(path: str, members: dict[str, str], purl: str) -> None:
    assert java_archive(path, jar(members), "x.whl").purl.to_string() == purl


def test_licences_are_told_where_they_are_expressions() -> None:
    assert spdx_license("MIT OR Apache-2.0") == "MIT OR Apache-2.0"
    assert spdx_license("see the file") is None
    assert spdx_license(None) is None


def test_the_order_of_packages_changes_nothing() -> None:
    packages = [package("deb", "a", needs=("b",)), package("deb", "b"), package("pypi", "b")]
    bills = [Bill.of_image("x", "sha256:" + "0" * 64, order) for order in (packages, packages[::-1])]
    assert to_spdx(bills[0]) == to_spdx(bills[1])
    assert to_cyclonedx(bills[0]) == to_cyclonedx(bills[1])


def test_what_needs_what_is_told_within_a_kind() -> None:
    packages = [package("deb", "a", needs=("b", "absent")), package("deb", "b"), package("pypi", "b")]
    bill = Bill.of_image("x", "sha256:" + "0" * 64, packages)
    document = json.loads(to_cyclonedx(bill))
    references = {component["purl"]: component["bom-ref"] for component in document["components"]}
    needs = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    debian = {purl.partition("@")[0]: reference for purl, reference in references.items() if "deb" in purl}
    assert needs[debian["pkg:deb/debian/a"]] == [debian["pkg:deb/debian/b"]]
