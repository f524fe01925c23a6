"""A bill as SPDX 2.3, in JSON."""

from __future__ import annotations

import io

from license_expression import get_spdx_licensing
from spdx_tools.spdx.model import (
    Actor,
    ActorType,
    Checksum,
    ChecksumAlgorithm,
    CreationInfo,
    Document,
    ExternalPackageRef,
    ExternalPackageRefCategory,
    PackagePurpose,
    Relationship,
    RelationshipType,
    SpdxNoAssertion,
)
from spdx_tools.spdx.model import Package as SpdxPackage
from spdx_tools.spdx.writer.json.json_writer import write_document_to_stream

from sbom_tool.bill import EPOCH, Bill, spdx_license
from sbom_tool.packages import Package

__all__ = ["to_spdx"]

_SUBJECT = "SPDXRef-Subject"
_DOCUMENT = "SPDXRef-DOCUMENT"
_PURPOSES = {"image": PackagePurpose.CONTAINER, "wheel": PackagePurpose.LIBRARY}
_LICENSES = get_spdx_licensing()


def to_spdx(bill: Bill) -> str:
    """The document."""
    subject = SpdxPackage(
        spdx_id=_SUBJECT,
        name=bill.name,
        version=bill.version,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, bill.sha256)],
        primary_package_purpose=_PURPOSES[bill.kind],
    )
    identifiers = {package: f"SPDXRef-Package-{n}" for n, package in enumerate(bill.packages, 1)}
    whole = RelationshipType.CONTAINS if bill.kind == "image" else RelationshipType.DEPENDS_ON
    relationships = [Relationship(_DOCUMENT, RelationshipType.DESCRIBES, _SUBJECT)]
    for package, identifier in identifiers.items():
        if package.within is None:
            relationships.append(Relationship(_SUBJECT, whole, identifier))
        for other in bill.needed_by(package):
            held = other.within == package.file_name
            kind = RelationshipType.CONTAINS if held else RelationshipType.DEPENDS_ON
            relationships.append(Relationship(identifier, kind, identifiers[other]))
    document = Document(
        CreationInfo(
            spdx_version="SPDX-2.3",
            spdx_id=_DOCUMENT,
            name=bill.name,
            document_namespace=f"urn:uuid:{bill.uuid}",
            creators=[Actor(ActorType.TOOL, "sbom_tool")],
            created=EPOCH.replace(tzinfo=None),
        ),
        packages=[subject, *(_package(package, id_) for package, id_ in identifiers.items())],
        relationships=relationships,
    )
    text = io.StringIO()
    # What it checks, the test of each document checks; here it would take longer than all the rest.
    write_document_to_stream(document, text, validate=False)
    return text.getvalue() + "\n"


def _package(package: Package, identifier: str) -> SpdxPackage:
    license_ = spdx_license(package.license)
    purl = ExternalPackageRef(ExternalPackageRefCategory.PACKAGE_MANAGER, "purl", package.purl.to_string())
    return SpdxPackage(
        spdx_id=identifier,
        name=package.name,
        version=package.version or None,
        file_name=package.file_name,
        download_location=SpdxNoAssertion(),
        files_analyzed=False,
        checksums=[Checksum(ChecksumAlgorithm.SHA256, package.sha256)],
        license_declared=_LICENSES.parse(license_) if license_ else SpdxNoAssertion(),
        external_references=[purl],
    )
