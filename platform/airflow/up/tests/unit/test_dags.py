"""DAGs get the images of this build."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_airflow.dags import write_dags


def test_names_of_images_are_filled_in_where_a_declaration_has_them(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "one.yaml").write_text("image: ${ONE_IMAGE}\n")
    (sources / "one.py").write_text("'${ONE_IMAGE}'\n")
    (tmp_path / "description").write_text("{}")
    write_dags(sources, tmp_path / "description", tmp_path / "dags", {"ONE_IMAGE": "one@sha256:00"})
    written = {path.name: path.read_text() for path in (tmp_path / "dags").iterdir()}
    assert written == {
        "one.yaml": "image: one@sha256:00\n",
        "one.py": "'${ONE_IMAGE}'\n",
        "flights.json": "{}",
    }
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "dags").iterdir()} == {0o644}


def test_an_image_that_the_build_did_not_make_is_an_error(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "one.yaml").write_text("image: ${OTHER_IMAGE}\n")
    (tmp_path / "description").write_text("{}")
    with pytest.raises(KeyError, match="OTHER_IMAGE"):
        write_dags(sources, tmp_path / "description", tmp_path / "dags", {})
