"""A bill as CycloneDX 1.6, in JSON."""

from __future__ import annotations

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6

from sbom_tool.bill import EPOCH, Bill, spdx_license
from sbom_tool.packages import Package

__all__ = ["to_cyclonedx"]

_TYPES = {"image": ComponentType.CONTAINER, "wheel": ComponentType.LIBRARY}


def to_cyclonedx(bill: Bill) -> str:
    """The document."""
    subject = Component(
        name=bill.name,
        type=_TYPES[bill.kind],
        version=bill.version,
        bom_ref="subject",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=bill.sha256)],
    )
    components = {package: _component(package, f"package-{n}") for n, package in enumerate(bill.packages, 1)}
    bom = Bom(
        components=components.values(),
        serial_number=bill.uuid,
        metadata=BomMetaData(component=subject, timestamp=EPOCH),
    )
    bom.register_dependency(subject, [c for package, c in components.items() if package.within is None])
    for package, component in components.items():
        bom.register_dependency(component, [components[other] for other in bill.needed_by(package)])
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _component(package: Package, reference: str) -> Component:
    license_ = spdx_license(package.license)
    group, _, name = package.name.rpartition(":")
    return Component(
        name=name,
        group=group or None,
        version=package.version or None,
        bom_ref=reference,
        purl=package.purl,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=package.sha256)],
        licenses=[LicenseExpression(license_)] if license_ else [],
    )
