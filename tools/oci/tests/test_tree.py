"""A layer's paths: each once, none outside, none below what is no folder."""

from __future__ import annotations

import pytest
from oci_tool.tree import RefusedError, Tree


def test_folders_above_come_by_themselves_and_first() -> None:
    tree = Tree()
    tree.file("/b/c/file", b"x")
    tree.link("/a", "b")
    tree.directory("/b", 0o700)
    assert [(path, f"{entry.mode:o}") for path, entry in tree.entries()] == [
        ("a", "777"),
        ("b", "700"),
        ("b/c", "755"),
        ("b/c/file", "644"),
    ]


@pytest.mark.parametrize("path", ["../outside", "/a/../../outside", ".."])
def test_a_path_that_leads_out_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match="leads out of the image"):
        Tree().file(path, b"")


@pytest.mark.parametrize("path", ["/a/.wh.b", "/.wh..wh..opq", "/.wh.folder/file"])
def test_what_would_delete_in_lower_layers_is_refused(path: str) -> None:
    with pytest.raises(RefusedError, match="deletion"):
        Tree().file(path, b"")


def test_a_path_that_comes_twice_is_refused() -> None:
    tree = Tree()
    tree.file("/a", b"1")
    with pytest.raises(
        RefusedError, match="/a: comes twice, as a file with mode 0644 of 0:0 and as a link to b"
    ):
        tree.link("/a", "b")
    with pytest.raises(RefusedError, match="comes twice"):
        tree.file("a", b"1")


def test_a_folder_may_come_again_but_not_otherwise() -> None:
    tree = Tree()
    tree.directory("/a", 0o1777)
    tree.directory("/a/", 0o1777)
    with pytest.raises(RefusedError, match="1777 of 0:0 and as a folder with mode 0755"):
        tree.directory("/a")


def test_nothing_lies_below_a_link() -> None:
    tree = Tree()
    tree.link("/lib", "usr/lib")
    tree.file("/lib/x/y", b"")
    with pytest.raises(RefusedError, match="/lib: is a link to usr/lib, and something lies below it"):
        list(tree.entries())
