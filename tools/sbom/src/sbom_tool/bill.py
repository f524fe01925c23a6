"""A bill of materials: what something is, and what it is made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from license_expression import get_spdx_licensing

from sbom_tool.packages import Package

__all__ = ["EPOCH", "Bill", "spdx_license"]

# The same content gives the same document, so it says nothing of the moment in which it was written.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_LICENSES = get_spdx_licensing()


@dataclass(frozen=True)
class Bill:
    """What something is made of.

    Attributes:
        kind: `image` or `wheel`.
        name: of the image its folder, of the wheel its package.
        version: of a wheel; an image has a digest only.
        sha256: the digest, in hex, of the image's manifest or of the wheel.
        packages: what it is made of, by kind and name, each once.
    """

    kind: str
    name: str
    version: str | None
    sha256: str
    packages: tuple[Package, ...]

    @classmethod
    def of_image(cls, name: str, digest: str, packages: Iterable[Package]) -> Bill:
        """The bill of an image, `digest` being `sha256:…` of its manifest."""
        return cls("image", name, None, digest.removeprefix("sha256:"), _ordered(packages))

    @classmethod
    def of_wheel(cls, wheel: Package, packages: Iterable[Package]) -> Bill:
        """The bill of a wheel: the packages are those that it is built and tested with."""
        others = (package for package in packages if package.sha256 != wheel.sha256)
        return cls("wheel", wheel.name, wheel.version, wheel.sha256, _ordered(others))

    @property
    def uuid(self) -> UUID:
        """An identifier that the content decides."""
        content = [self.kind, self.name, self.sha256, *(package.sha256 for package in self.packages)]
        return uuid5(NAMESPACE_URL, "\n".join(content))

    def needed_by(self, package: Package) -> list[Package]:
        """The packages of the bill that a package of the bill needs or holds."""
        return [
            other
            for other in self.packages
            if other is not package
            and (
                (other.kind == package.kind and other.name in package.needs)
                or other.within == package.file_name
            )
        ]


def _ordered(packages: Iterable[Package]) -> tuple[Package, ...]:
    unique = {(p.kind, p.name, p.version, p.sha256, p.within or ""): p for p in packages}
    return tuple(unique[key] for key in sorted(unique))


def spdx_license(text: str | None) -> str | None:
    """The text, where it is an expression of identifiers that SPDX knows."""
    if not text or _LICENSES.validate(text).errors:
        return None
    return str(_LICENSES.parse(text))
