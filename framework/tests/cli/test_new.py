import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import DatakitError
from sqlmodel_framework.cli.main import main
from sqlmodel_framework.cli.new import write_datakit


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder / "src"), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_new_datakit_works_and_its_test_passes(tmp_path: Path) -> None:
    folder = write_datakit("my-shop", tmp_path / "my-shop")
    plugin = ["-p", "sqlmodel_framework.testing.plugin"]
    tested = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:datakit", *plugin)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 passed" in tested.stdout
    ran = run(folder, "sqlmodel_framework.cli", "run", "my_shop_datakit", "--folder", str(tmp_path / "data"))
    assert ran.returncode == 0, ran.stderr
    assert "silver cities: 1 country does not match ^[A-Z]{2}$" in ran.stdout


def test_the_files_are_where_a_package_has_them(tmp_path: Path) -> None:
    folder = write_datakit("shop", tmp_path / "shop")
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "README.md",
        "datakit.toml",
        "pyproject.toml",
        "src/shop_datakit/__init__.py",
        "src/shop_datakit/data/cities.csv",
        "src/shop_datakit/py.typed",
        "src/shop_datakit/tables.py",
        "tests/test_shop_datakit.py",
    }


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "mine").write_text("precious")
    assert main(["new", "shop", "--folder", str(folder)]) == 64
    assert "is there already; nothing was written" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    "name", ["", "My", "1a", "a b", "a/b", "../a", "a--b", "-a", "a-", "class", "é", "a" * 41]
)
def test_a_name_that_makes_no_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatakitError, match="cannot be called"):
        write_datakit(name, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


@given(st.from_regex(r"[a-z][a-z0-9]{0,8}([-_][a-z0-9]{1,4}){0,2}", fullmatch=True))
def test_every_allowed_name_makes_code_that_compiles(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("new") / "kit"
    try:
        write_datakit(name, folder)
    except DatakitError:
        return
    for file in folder.rglob("*.py"):
        compile(file.read_text(), file, "exec")
