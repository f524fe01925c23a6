"""The comparison sees each difference, and a copy holds what the working tree holds."""

from __future__ import annotations

from pathlib import Path

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
