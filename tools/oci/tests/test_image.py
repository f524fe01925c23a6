"""Images: what an image says, whose layers it takes, and that no layer hides what another holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from oci_tool.image import MOST_LAYERS, Layer, write_image
from oci_tool.layer import write_layer
from oci_tool.layout import ImageLayout
from oci_tool.tree import RefusedError, Tree

# Of the image below. It changes when the format of layers or of images does, and all images with it.
GOLDEN = "sha256:b4ff74db759193c6246de76922898aa524d0bff1d69d3e289fda9201525f6290"


def layer(folder: Path, name: str, **files: str) -> Layer:
    tree = Tree()
    for path, text in files.items():
        tree.file(path.replace("__", "/"), text.encode())
    blob = folder / f"{name}.tar.gz"
    return Layer(blob, write_layer(tree, f"//x:{name}", blob))


def test_an_image_reads_back_as_it_was_written(tmp_path: Path) -> None:
    layers = [layer(tmp_path, "low", etc__a="1"), layer(tmp_path, "high", etc__b="2")]
    digest = write_image(tmp_path / "image", layers, {"User": "7:7", "Env": ["A=b"]}, "localhost/x:latest")
    image = ImageLayout(tmp_path / "image")
    assert image.digest == digest
    assert image.name == "localhost/x:latest"
    assert image.config["config"] == {"User": "7:7", "Env": ["A=b"]}
    assert [step["created_by"] for step in image.config["history"]] == ["//x:low", "//x:high"]
    assert {path: found.layer for path, found in image.paths.items()} == {"etc": 1, "etc/a": 0, "etc/b": 1}
    image.unpack(tmp_path / "root")
    assert (tmp_path / "root/etc/a").read_text() + (tmp_path / "root/etc/b").read_text() == "12"


def test_the_digest_is_the_one_that_it_always_was(tmp_path: Path) -> None:
    layers = [layer(tmp_path, "low", etc__a="1"), layer(tmp_path, "high", etc__b="2")]
    assert write_image(tmp_path / "image", layers, {"User": "7:7"}, "x") == GOLDEN


def test_layers_are_linked_not_copied(tmp_path: Path) -> None:
    low = layer(tmp_path, "low", a="1")
    write_image(tmp_path / "image", [low], {}, "x")
    assert ImageLayout(tmp_path / "image").layers[0].samefile(low.blob)


def test_the_name_does_not_change_the_digest_and_settings_do(tmp_path: Path) -> None:
    low = layer(tmp_path, "low", a="1")
    first = write_image(tmp_path / "1", [low], {"User": "1:1"}, "one")
    assert write_image(tmp_path / "2", [low], {"User": "1:1"}, "two") == first
    assert write_image(tmp_path / "3", [low], {"User": "2:2"}, "one") != first


def test_a_file_in_two_layers_is_refused(tmp_path: Path) -> None:
    layers = [layer(tmp_path, "low", etc__a="1"), layer(tmp_path, "high", etc__a="1")]
    with pytest.raises(
        RefusedError, match=r"/etc/a is a file \(644 0:0\) in //x:low and a file .* in //x:high"
    ):
        write_image(tmp_path / "image", layers, {}, "x")


def test_a_folder_over_a_link_is_refused(tmp_path: Path) -> None:
    tree = Tree()
    tree.link("/lib", "usr/lib")
    low = Layer(tmp_path / "low", write_layer(tree, "//x:low", tmp_path / "low"))
    with pytest.raises(RefusedError, match="/lib is a link in //x:low and a folder"):
        write_image(tmp_path / "image", [low, layer(tmp_path, "high", lib__a="1")], {}, "x")


def test_a_folder_that_changes_its_mode_is_refused(tmp_path: Path) -> None:
    tree = Tree()
    tree.directory("/tmp", 0o1777)
    low = Layer(tmp_path / "low", write_layer(tree, "//x:low", tmp_path / "low"))
    with pytest.raises(RefusedError, match=r"a folder \(1777 0:0\) in //x:low and a folder \(755 0:0\)"):
        write_image(tmp_path / "image", [low, layer(tmp_path, "high", tmp__a="1")], {}, "x")


def test_more_layers_than_engines_take_are_refused(tmp_path: Path) -> None:
    low = layer(tmp_path, "low", a="1")
    with pytest.raises(RefusedError, match=f"{MOST_LAYERS + 1} layers"):
        write_image(tmp_path / "image", [low] * (MOST_LAYERS + 1), {}, "x")


def test_the_layout_is_what_the_specification_says(tmp_path: Path) -> None:
    write_image(tmp_path / "image", [layer(tmp_path, "low", a="1")], {}, "localhost/x:latest")
    assert json.loads((tmp_path / "image/oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((tmp_path / "image/index.json").read_text())
    assert (index["schemaVersion"], len(index["manifests"])) == (2, 1)
