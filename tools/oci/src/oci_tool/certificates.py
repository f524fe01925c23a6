"""The authorities that TLS trusts, as OpenSSL and as Java read them: a package's script would write them."""

from __future__ import annotations

import base64
import hashlib
import re
import struct
from collections.abc import Mapping
from pathlib import Path

from oci_tool.debian import member
from oci_tool.tree import RefusedError

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_FOLDER = "usr/share/ca-certificates/"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)

# Java's own password for a list that holds no secret.
_PASSWORD = "changeit"  # noqa: S105


def authorities(deb: Path) -> dict[str, bytes]:
    """The certificates of the package ca-certificates, by name."""
    found = {}
    with member(deb, "data.tar") as archive:
        for item in archive:
            name = item.name.removeprefix("./")
            if item.isfile() and name.startswith(_FOLDER) and name.endswith(".crt"):
                source = archive.extractfile(item)
                assert source is not None
                found[name.removeprefix(_FOLDER)] = source.read()
    if not found:
        raise RefusedError(f"{deb.name}: holds no certificates")
    return found


def bundle(certificates: Mapping[str, bytes]) -> bytes:
    """All certificates one after the other, sorted by name, as update-ca-certificates writes them."""
    return b"".join(certificates[name].rstrip(b"\n") + b"\n" for name in sorted(certificates))


def java_key_store(certificates: Mapping[str, bytes]) -> bytes:
    """All certificates as a Java key store (format JKS, version 2), each as of the epoch."""
    entries = []
    for name in sorted(certificates):
        match = _PEM.search(certificates[name])
        if not match:
            raise RefusedError(f"{name}: holds no certificate")
        entries.append((name.rsplit("/", 1)[-1].removesuffix(".crt").lower(), base64.b64decode(match[1])))
    body = struct.pack(">III", 0xFEEDFEED, 2, len(entries))
    for alias, certificate in entries:
        body += struct.pack(">I", 2) + _text(alias) + struct.pack(">Q", 0)
        body += _text("X.509") + struct.pack(">I", len(certificate)) + certificate
    # The format asks for SHA-1 over the password, this phrase and the content, against accidents only.
    seal = hashlib.sha1(_PASSWORD.encode("utf-16-be") + b"Mighty Aphrodite" + body, usedforsecurity=False)
    return body + seal.digest()


def _text(text: str) -> bytes:
    # Java's "modified UTF-8": the same as UTF-8 but for NUL and what needs four bytes.
    data = text.encode()
    if b"\0" in data or any(byte >= 0xF0 for byte in data):
        raise RefusedError(f"{text!r}: cannot be an alias in a Java key store")
    return struct.pack(">H", len(data)) + data
