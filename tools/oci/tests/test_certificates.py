"""The authorities that TLS trusts, from the package that holds them."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from oci_tool.certificates import authorities, bundle, java_key_store
from oci_tool.tree import RefusedError
from sample import CERTIFICATE, deb

NAMES = {name: CERTIFICATE.format(base64.b64encode(name.encode()).decode()) for name in ("Two", "One")}


def package(folder: Path) -> Path:
    files = {f"usr/share/ca-certificates/mozilla/{name}.crt": text for name, text in NAMES.items()}
    return deb(folder / "ca-certificates.deb", {**files, "etc/other": "x"})


def test_the_bundle_is_sorted_by_name(tmp_path: Path) -> None:
    found = authorities(package(tmp_path))
    assert list(found) == ["mozilla/Two.crt", "mozilla/One.crt"]
    assert bundle(found).decode() == NAMES["One"] + NAMES["Two"]


def test_the_key_store_is_as_java_reads_it(tmp_path: Path) -> None:
    store = java_key_store(authorities(package(tmp_path)))
    assert store[:12] == bytes.fromhex("feedfeed 00000002 00000002")
    one = (
        bytes.fromhex("00000002 0003") + b"one" + bytes(8) + b"\0\5X.509" + bytes.fromhex("00000003") + b"One"
    )
    assert store[12 : 12 + len(one)] == one
    seal = hashlib.sha1(
        "changeit".encode("utf-16-be") + b"Mighty Aphrodite" + store[:-20], usedforsecurity=False
    )
    assert store[-20:] == seal.digest()


def test_a_package_without_certificates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="holds no certificates"):
        authorities(deb(tmp_path / "other.deb", {"etc/other": "x"}))


def test_a_file_without_a_certificate_is_refused() -> None:
    with pytest.raises(RefusedError, match=r"mozilla/x\.crt: holds no certificate"):
        java_key_store({"mozilla/x.crt": b"nothing"})
