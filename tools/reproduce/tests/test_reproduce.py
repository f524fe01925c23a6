"""The comparison sees each difference, and a copy holds what the working tree holds."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import reproduce


def test_a_missing_artifact_is_no_equal_one() -> None:
    assert reproduce.compare({"a": "1", "b": "2"}, {"a": "1"}) == [("a", "1", "1"), ("b", "2", "")]


def test_a_folder_s_digest_knows_names_and_contents(tmp_path: Path) -> None:
    for name, content in (("one", "x"), ("same", "x"), ("other-content", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(content)
    (tmp_path / "other-name").mkdir()
    (tmp_path / "other-name" / "file2").write_text("x")
    digests = {
        name: reproduce.digest(tmp_path / name) for name in ("one", "same", "other-content", "other-name")
    }
    assert digests["one"] == digests["same"]
    assert len(set(digests.values())) == 3


def layout(folder: Path, content: bytes) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (blobs / digest).write_bytes(content)
    (folder / "oci-layout").write_text("{}")
    (folder / "index.json").write_text(json.dumps({"manifests": [{"digest": f"sha256:{digest}"}]}))
    return folder


def test_an_image_s_digest_is_its_manifest_s(tmp_path: Path) -> None:
    content = b"a manifest"
    assert reproduce.digest(layout(tmp_path, content)) == hashlib.sha256(content).hexdigest()


def test_an_image_with_a_damaged_blob_is_refused(tmp_path: Path) -> None:
    folder = layout(tmp_path, b"a manifest")
    for blob in (folder / "blobs" / "sha256").iterdir():
        blob.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="has other bytes than its name says"):
        reproduce.digest(folder)


def test_artifacts_are_called_by_their_folders() -> None:
    targets = ["//a/kit:wheel", "//a/kit:image", "//framework:wheel", "//x/y:image", "//x/y:other"]
    assert reproduce.names(targets) == {
        "//a/kit:image": "kit",
        "//a/kit:wheel": "kit_wheel",
        "//framework:wheel": "framework",
        "//x/y:image": "y",
        "//x/y:other": "y_other",
    }
