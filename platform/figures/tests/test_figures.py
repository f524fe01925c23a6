"""An image's size is that of its layers unpacked."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import figures
from image_size import unpacked_megabytes


def put(folder: Path, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (folder / "blobs" / "sha256" / digest).write_bytes(data)
    return f"sha256:{digest}"


def layer(size: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        header = tarfile.TarInfo("file")
        header.size = size
        archive.addfile(header, io.BytesIO(b"x" * size))
    return gzip.compress(buffer.getvalue(), mtime=0)


def test_the_size_is_what_the_layers_take_unpacked(tmp_path: Path) -> None:
    made = [{"digest": put(tmp_path, layer(size))} for size in (1_000_000, 500_000)]
    config = {"digest": put(tmp_path, b"{}")}
    manifest = put(tmp_path, json.dumps({"layers": made, "config": config}).encode())
    name = {"org.opencontainers.image.ref.name": "localhost/x:latest"}
    (tmp_path / "index.json").write_text(
        json.dumps({"manifests": [{"digest": manifest, "annotations": name}]})
    )
    assert 1.5 <= unpacked_megabytes(tmp_path) <= 1.51
    assert figures.layers(tmp_path) == [one["digest"] for one in made]
