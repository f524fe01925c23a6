"""Layouts as the build writes them, and the archive that engines load."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from datakit_testing import ContainerError, image_from_layout
from datakit_testing.images import write_archive


def layout(folder: Path, layers: list[bytes], manifests: int = 1) -> Path:
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def blob(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    config = blob(json.dumps({"config": {"User": "10001:10001", "StopSignal": "SIGINT"}}).encode())
    manifest = blob(json.dumps({"config": config, "layers": [blob(layer) for layer in layers]}).encode())
    (folder / "index.json").write_text(json.dumps({"manifests": [manifest] * manifests}))
    return folder


def test_a_layout_is_read(tmp_path: Path) -> None:
    image = image_from_layout(layout(tmp_path, [b"one"]))
    assert image.config == {"User": "10001:10001", "StopSignal": "SIGINT"}
    assert image.id == hashlib.sha256(image.blob(image.config_digest).read_bytes()).hexdigest()
    assert image.digest == "sha256:" + hashlib.sha256(image.blob(image.digest).read_bytes()).hexdigest()


def test_a_folder_that_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContainerError, match="is no OCI image layout"):
        image_from_layout(tmp_path)


def test_a_layout_of_several_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContainerError, match="holds 2 images"):
        image_from_layout(layout(tmp_path, [b"one"], manifests=2))


def test_the_archive_holds_each_layer_once_and_in_order(tmp_path: Path) -> None:
    image = image_from_layout(layout(tmp_path, [b"one", b"two", b"one"]))
    stream = io.BytesIO()
    write_archive(image, "localhost/x:1", stream)
    with tarfile.open(fileobj=io.BytesIO(stream.getvalue())) as archive:
        content = {member.name: archive.extractfile(member) for member in archive}
        read = {name: file.read() for name, file in content.items() if file}
    (entry,) = json.loads(read["manifest.json"])
    assert entry["RepoTags"] == ["localhost/x:1"]
    assert [read[name] for name in entry["Layers"]] == [b"one", b"two", b"one"]
    assert json.loads(read[entry["Config"]])["config"]["User"] == "10001:10001"
    assert len(read) == 4
