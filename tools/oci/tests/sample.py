"""Small packages and wheels for the tests, written as the real ones are."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


def header(path: str, what: str | tuple[str, int]) -> tuple[tarfile.TarInfo, bytes]:
    """An archive's member: text with a mode, `-> TARGET`, `= SAME FILE`, or a folder with a / at its end."""
    text, mode = what if isinstance(what, tuple) else (what, 0o644)
    info = tarfile.TarInfo(f"./{path}")
    info.mode, info.mtime, info.uid = mode, 1_700_000_000, 1000
    if path.endswith("/"):
        info.type = tarfile.DIRTYPE
    elif text.startswith("-> "):
        info.type, info.linkname = tarfile.SYMTYPE, text[3:]
    elif text.startswith("= "):
        info.type, info.linkname = tarfile.LNKTYPE, f"./{text[2:]}"
    else:
        info.size = len(text.encode())
    return info, text.encode() if info.isreg() else b""


def archive(members: Mapping[str, str | tuple[str, int]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as tar:
        for path, what in members.items():
            info, data = header(path, what)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def deb(file: Path, members: Mapping[str, str | tuple[str, int]]) -> Path:
    """A Debian package, named by its file."""
    control = f"Package: {file.name.removesuffix('.deb')}\nVersion: 1\n"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as out:
        out.write(b"!<arch>\n")
        for name, data in {
            "debian-binary": b"2.0\n",
            "control.tar.xz": archive({"control": control}),
            "data.tar.xz": archive(members),
        }.items():
            out.write(f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode())
            out.write(data + b"\n" * (len(data) % 2))
    return file


def wheel(file: Path, members: Mapping[str, str], scripts: str = "") -> Path:
    """A wheel, named by its file."""
    name, version = file.name.split("-")[:2]
    info = f"{name}-{version}.dist-info"
    everything = {
        **members,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{scripts}\n",
    }
    everything[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*everything, f"{info}/RECORD"])
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as out:
        for path, text in everything.items():
            out.writestr(path, text)
    return file
