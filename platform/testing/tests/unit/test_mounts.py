"""What is mounted means the same inside as outside."""

from __future__ import annotations

from pathlib import Path

from datakit_testing.containers import without_links_outside


def test_a_folder_stays_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "file").touch()
    (folder / "link").symlink_to("below/file")
    assert without_links_outside(folder, tmp_path / "copies") == folder


def test_a_file_is_what_its_link_means(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    assert without_links_outside(tmp_path / "link", tmp_path / "copies") == tmp_path / "file"


def test_files_that_bazel_links_are_copied(tmp_path: Path) -> None:
    (tmp_path / "source.py").write_text("x = 1")
    folder = tmp_path / "runfiles"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "source.py").symlink_to(tmp_path / "source.py")
    copy = without_links_outside(folder, tmp_path / "copies")
    assert copy.is_relative_to(tmp_path / "copies")
    assert not (copy / "below" / "source.py").is_symlink()
    assert (copy / "below" / "source.py").read_text() == "x = 1"
