"""Reading images of others too: deletions in upper layers hold."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from oci_tool.image import Layer, write_image
from oci_tool.layer import Facts
from oci_tool.layout import ImageLayout


def foreign_layer(folder: Path, *paths: str) -> Layer:
    """A layer as other builders write them, deletions among its paths."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in paths:
            header = tarfile.TarInfo(path)
            if path.endswith("/"):
                header.type, header.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(header)
    data = gzip.compress(out.getvalue())
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    blob = folder / digest
    blob.write_bytes(data)
    return Layer(blob, Facts(f"//x:{len(paths)}", digest, len(data), digest, 0, []))


def seen(folder: Path, *layers: Layer) -> list[str]:
    write_image(folder / "image", layers, {}, "x")
    image = ImageLayout(folder / "image")
    image.unpack(folder / "root")
    paths = sorted(image.paths)
    assert sorted(str(p.relative_to(folder / "root")) for p in (folder / "root").rglob("*")) == paths
    return paths


def test_a_deleted_path_is_gone(tmp_path: Path) -> None:
    low = foreign_layer(tmp_path, "a/", "a/keep", "a/go", "b/", "b/x")
    high = foreign_layer(tmp_path, "a/", "a/.wh.go", ".wh.b")
    assert seen(tmp_path, low, high) == ["a", "a/keep"]


def test_an_emptied_folder_holds_only_what_is_new(tmp_path: Path) -> None:
    low = foreign_layer(tmp_path, "a/", "a/old")
    high = foreign_layer(tmp_path, "a/", "a/.wh..wh..opq", "a/new")
    assert seen(tmp_path, low, high) == ["a", "a/new"]


def test_a_file_in_the_place_of_a_folder_hides_it(tmp_path: Path) -> None:
    low = foreign_layer(tmp_path, "a/", "a/old")
    high = foreign_layer(tmp_path, "a")
    assert seen(tmp_path, low, high) == ["a"]


def test_a_file_hides_a_folder_that_no_layer_names(tmp_path: Path) -> None:
    low = foreign_layer(tmp_path, "a/old")
    high = foreign_layer(tmp_path, "a")
    assert seen(tmp_path, low, high) == ["a"]
