"""A layer as a file: a compressed tar archive, the same bytes for the same tree, and the facts about it."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from oci_tool.tree import Entry, Kind, Tree

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

# Higher levels take twice the time for 2 % less.
_LEVEL = 6
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Facts:
    """What an image needs to know of a layer, without its bytes.

    `title` says where it comes from, `digest` and `size` (bytes) are those of the compressed file, `diff_id`
    and `unpacked` (bytes) of the archive in it. `entries` are `[kind, mode in octal, uid, gid, path]`.
    """

    title: str
    digest: str
    size: int
    diff_id: str
    unpacked: int
    entries: list[list[str | int]]

    def write(self, file: Path) -> None:
        """Writes them as JSON."""
        file.write_text(json.dumps(asdict(self), separators=(",", ":")) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Facts:
        """Reads what `write` wrote."""
        return cls(**json.loads(file.read_text(encoding="utf-8")))


class _Counted(io.BufferedIOBase):
    """A sink that passes bytes on, with their number and hash."""

    def __init__(self, sink: BinaryIO | gzip.GzipFile) -> None:
        self._sink = sink
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self._hash.update(data)
        self._sink.write(data)
        size = memoryview(data).nbytes
        self.size += size
        return size

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def _header(path: str, entry: Entry) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.type = {Kind.DIRECTORY: tarfile.DIRTYPE, Kind.FILE: tarfile.REGTYPE, Kind.LINK: tarfile.SYMTYPE}[
        entry.kind
    ]
    header.mode, header.uid, header.gid, header.mtime = entry.mode, entry.uid, entry.gid, 0
    header.linkname = entry.target
    return header


def _write_archive(tree: Tree, sink: _Counted) -> list[list[str | int]]:
    """Writes the tree's paths, sorted, all at the epoch; returns them for the facts."""
    entries: list[list[str | int]] = []
    written: dict[Path, str] = {}
    with tarfile.open(fileobj=sink, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as archive:
        for path, entry in tree.entries():
            header = _header(path, entry)
            entries.append([entry.kind.value, f"{entry.mode:o}", entry.uid, entry.gid, path])
            if entry.kind is not Kind.FILE:
                archive.addfile(header)
            elif isinstance(entry.source, bytes):
                header.size = len(entry.source)
                archive.addfile(header, io.BytesIO(entry.source))
            elif first := written.get(entry.source):
                header.type, header.linkname = tarfile.LNKTYPE, first
                archive.addfile(header)
            else:
                written[entry.source] = path
                header.size = entry.size
                with entry.source.open("rb") as data:
                    archive.addfile(header, data)
    return entries


def write_layer(tree: Tree, title: str, blob: Path) -> Facts:
    """Writes the tree as a compressed archive, a piece at a time; what is in memory does not grow with it."""
    with blob.open("wb") as file:
        packed = _Counted(file)
        with gzip.GzipFile("", "wb", _LEVEL, packed, mtime=0) as compressed:
            plain = _Counted(compressed)
            entries = _write_archive(tree, plain)
    return Facts(title, packed.digest, packed.size, plain.digest, plain.size, entries)
