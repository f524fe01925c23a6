"""`datakit airflow` says what declarations would make, and what is wrong with them."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path

import pytest
from datakit_airflow.cli import app
from kit.described import SHOP, write
from typer.testing import CliRunner

SMALLEST = "dag_id: shop\ndatakit: shop.description\ntarget: warehouse\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(SHOP, tmp_path).rename(tmp_path / "shop.description")
    (tmp_path / "datakit_airflow.toml").write_text('execution = "process"\n')
    (tmp_path / "shop.yaml").write_text(SMALLEST)
    return tmp_path


def test_a_good_folder_lists_its_dags(folder: Path) -> None:
    done = CliRunner().invoke(app, ["validate", str(folder)])

    assert done.exit_code == 0
    assert done.stdout == f"{folder / 'shop.yaml'}: shop, 5 steps\n"


def test_every_mistake_is_a_line_and_the_exit_code_is_64(folder: Path) -> None:
    (folder / "shop.yaml").write_text(f"{SMALLEST}retries: many\ncatchup: perhaps\n")
    done = CliRunner().invoke(app, ["validate", str(folder)])

    assert done.exit_code == 64
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{folder / 'shop.yaml'}: catchup: ")
    assert lines[1].startswith(f"{folder / 'shop.yaml'}: retries: ")
    assert lines[2] == "2 mistakes"


def test_another_environment_can_be_asked_about(folder: Path) -> None:
    other = folder / "elsewhere" / "production.toml"
    other.parent.mkdir()
    other.write_text('execution = "docker"\nproduction = true\n')
    done = CliRunner().invoke(app, ["validate", str(folder), "--environment", str(other)])

    assert done.exit_code == 64
    assert "images.sqlmodel: there is no image for the role 'sqlmodel'" in done.stderr


def test_the_steps_are_shown_as_a_tree(folder: Path) -> None:
    done = CliRunner().invoke(app, ["show", str(folder / "shop.yaml")])

    assert done.exit_code == 0
    assert "shop  shop 1.0 into warehouse, process, schedule None" in done.stdout
    assert "silver.sales  sqlmodel  and after bronze.items" in done.stdout


def test_what_is_shown_builds_on_the_base_of_its_folder(folder: Path) -> None:
    (folder / "_base.yaml").write_text("check: false\n")
    done = CliRunner().invoke(app, ["show", str(folder / "shop.yaml")])

    assert done.exit_code == 0
    assert "check" not in done.stdout


def test_the_command_is_offered_to_datakit() -> None:
    [point] = entry_points(group="sqlmodel_framework.commands", name="airflow")

    assert point.value == "datakit_airflow.cli:app"
