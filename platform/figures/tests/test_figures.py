"""A limit that is broken is seen, and an image's size is that of its layers unpacked."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import figures
import pytest


@pytest.mark.parametrize(
    ("value", "limit", "better", "good"),
    [
        (5, 10, "lower", True),
        (10, 10, "lower", True),
        (11, 10, "lower", False),
        (1, 1, "higher", True),
        (0, 1, "higher", False),
        (1000, None, "lower", True),
    ],
)
def test_a_broken_limit_is_seen(value: float, limit: float | None, better: str, good: bool) -> None:
    assert figures.Figure("case", value, "s", limit, better).good is good  # type: ignore[arg-type]


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
    assert 1.5 <= figures.unpacked_megabytes(tmp_path) <= 1.51
    assert figures.layers(tmp_path) == [one["digest"] for one in made]
