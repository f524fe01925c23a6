"""The two documents of a bill of materials, read as anybody would read them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from spdx_tools.spdx.parser.json.json_parser import parse_from_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

SUBJECT = Path(os.environ["SBOM_OF"])
SPDX = Path(os.environ["SBOM_SPDX"])
CYCLONEDX = Path(os.environ["SBOM_CYCLONEDX"])

# Kind, name and version.
Found = tuple[str, str, str]


def cyclonedx() -> dict[str, Any]:
    """The CycloneDX document; it is valid."""
    text = CYCLONEDX.read_text()
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert error is None, str(error)[:500]
    document: dict[str, Any] = json.loads(text)
    return document


def spdx() -> dict[str, Any]:
    """The SPDX document; it is valid."""
    assert validate_full_spdx_document(parse_from_file(str(SPDX))) == []
    document: dict[str, Any] = json.loads(SPDX.read_text())
    return document


def packages_of_cyclonedx() -> set[Found]:
    """All packages that the document lists."""
    return {_found(component["purl"]) for component in cyclonedx()["components"]}


def packages_of_spdx() -> set[Found]:
    """All packages that the document lists, but for what it is about."""
    packages = [package for package in spdx()["packages"] if package["SPDXID"] != "SPDXRef-Subject"]
    return {_found(package["externalRefs"][0]["referenceLocator"]) for package in packages}


def _found(purl: str) -> Found:
    url = PackageURL.from_string(purl)
    return url.type, url.name, url.version or ""
