"""An OCI image layout, read: what an image says of itself, and what a container would find in it."""

from __future__ import annotations

import json
import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

from oci_tool.tree import WHITEOUT

_OPAQUE = f"{WHITEOUT}{WHITEOUT}.opq"


@dataclass(frozen=True)
class Found:
    """A path in an image: its archive header, and the number of the layer that it comes from."""

    header: tarfile.TarInfo
    layer: int


class ImageLayout:
    """An image in a folder.

    Attributes:
        digest: the manifest's digest.
        manifest: the manifest, as JSON has it.
        config: the whole configuration, as JSON has it; `config["config"]` is what containers run by.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        index = json.loads((folder / "index.json").read_bytes())
        (described,) = index["manifests"]
        self.name: str = described["annotations"]["org.opencontainers.image.ref.name"]
        self.digest: str = described["digest"]
        self.manifest: dict[str, Any] = json.loads(self.blob(self.digest).read_bytes())
        self.config: dict[str, Any] = json.loads(self.blob(self.manifest["config"]["digest"]).read_bytes())

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        return self._folder / "blobs" / digest.replace(":", "/", 1)

    @property
    def layers(self) -> list[Path]:
        """The layers' files, from the lowest to the highest."""
        return [self.blob(layer["digest"]) for layer in self.manifest["layers"]]

    @contextmanager
    def layer(self, number: int) -> Iterator[tarfile.TarFile]:
        """A layer as an archive that is read once, from its beginning to its end."""
        with tarfile.open(self.layers[number], "r|gz") as archive:
            yield archive

    @cached_property
    def paths(self) -> dict[str, Found]:
        """Every path that a container sees, and where it comes from; deletions in upper layers hold."""
        found: dict[str, Found] = {}
        for number in range(len(self.layers)):
            with self.layer(number) as archive:
                layer = {posixpath.normpath(header.name): header for header in archive}
            for path in layer:
                folder, name = posixpath.split(path)
                if name == _OPAQUE:
                    _delete(found, folder, itself=False)
                elif name.startswith(WHITEOUT):
                    _delete(found, posixpath.join(folder, name.removeprefix(WHITEOUT)), itself=True)
            # Looking through all that was found is dear, and hardly any file replaces something.
            there = {path for known in found for path in accumulate(known.split("/"), "{}/{}".format)}
            for path, header in layer.items():
                if not posixpath.basename(path).startswith(WHITEOUT):
                    if path in there and not header.isdir():
                        _delete(found, path, itself=True)
                    found[path] = Found(header, number)
        return found

    def unpack(self, root: Path) -> None:
        """Writes what a container would see below a folder, as its caller's files, links as they are."""
        folders = []
        for number in range(len(self.layers)):
            with self.layer(number) as archive:
                for header in archive:
                    path = posixpath.normpath(header.name)
                    if path in self.paths and self.paths[path].layer == number:
                        header.mode |= 0o700 if header.isdir() else 0o400
                        archive.extract(header, root, set_attrs=False, numeric_owner=True)
                        if not header.issym():
                            folders.append((root / path, header.mode))
        for file, mode in reversed(folders):
            file.chmod(mode & 0o777)


def _delete(found: dict[str, Found], path: str, itself: bool) -> None:
    for below in [known for known in found if known.startswith(f"{path}/") or (itself and known == path)]:
        del found[below]
