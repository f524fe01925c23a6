"""Which shared libraries a program or library needs, and where it looks for them."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRINGS, _RPATH, _RUNPATH = 1, 5, 15, 29


@dataclass(frozen=True)
class Needs:
    """The names of libraries, and the folders to search first; `$ORIGIN` in them is the file's own folder."""

    libraries: list[str]
    folders: list[str]


def needs(file: Path) -> Needs | None:
    """What a 64-bit ELF file needs; None for any other file."""
    data = file.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":
        return None
    offset, size, count = struct.unpack_from("<32xQ14xHH", data)
    headers = [struct.unpack_from("<IIQQQQQQ", data, offset + size * n) for n in range(count)]
    loaded = [(address, start, length) for kind, _, start, address, _, length, *_ in headers if kind == _LOAD]
    entries: list[tuple[int, int]] = []
    for kind, _, start, _, _, length, *_ in headers:
        if kind == _DYNAMIC:
            entries = [
                (tag, value) for tag, value in struct.iter_unpack("<qQ", data[start : start + length]) if tag
            ]
    strings = next((value for tag, value in entries if tag == _STRINGS), 0)
    for address, start, length in loaded:
        if address <= strings < address + length:
            strings += start - address
            break

    def text(position: int) -> str:
        start = strings + position
        return data[start : data.index(b"\0", start)].decode()

    return Needs(
        libraries=[text(value) for tag, value in entries if tag == _NEEDED],
        folders=[
            folder for tag, value in entries if tag in (_RPATH, _RUNPATH) for folder in text(value).split(":")
        ],
    )
