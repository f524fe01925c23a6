"""The wheel builder gives the same bytes wherever and however it runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import build_wheel
import pytest

PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sample"
version = "1.2.3"
requires-python = ">=3.11"

[tool.hatch.build.targets.wheel]
packages = ["src/sample"]
"""
SETUP = "from setuptools import setup\nsetup(name='old-sample', version='0.1', packages=['old'])\n"
WHEEL = "sample-1.2.3-py3-none-any.whl"


def project(folder: Path) -> list[Path]:
    files = {"pyproject.toml": PYPROJECT} | {f"src/sample/{name}.py": f"NAME = {name!r}\n" for name in "abc"}
    files["src/sample/__init__.py"] = ""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [folder / name for name in files]


def sdist(folder: Path) -> Path:
    source = folder / "old-sample-0.1"
    (source / "old").mkdir(parents=True)
    (source / "setup.py").write_text(SETUP)
    for name in ("__init__", "first", "second"):
        (source / "old" / f"{name}.py").write_text(f"NAME = {name!r}\n")
    file = folder / "old-sample-0.1.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(source, source.name)
    return file


def build(out: Path, *arguments: str, cwd: Path, umask: int = 0o022, **environment: str) -> str:
    """Runs the builder as the build does and returns the wheel's sha256."""
    out.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, os.path.abspath(build_wheel.__file__), "--out", str(out), *arguments],
        check=True,
        cwd=cwd,
        umask=umask,
        env={"PATH": os.defpath, "PYTHONPATH": os.environ["PYTHONPATH"], **environment},
    )
    return hashlib.sha256(out.read_bytes()).hexdigest()


def test_the_same_project_gives_the_same_bytes_in_other_surroundings(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "some" / "where else"
    files, others = project(here), project(elsewhere)
    for file in others:
        file.chmod(0o600)
        os.utime(file, (1, 1))
    first = build(tmp_path / "1" / WHEEL, "--root", str(here), *map(str, files), cwd=here)
    second = build(
        tmp_path / "2" / WHEEL,
        *("--root", str(elsewhere), *map(str, reversed(others))),
        cwd=tmp_path,
        umask=0o077,
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="42",
        LC_ALL="C",
        SOURCE_DATE_EPOCH="1700000000",
    )
    assert first == second


def test_the_same_sdist_gives_the_same_bytes_in_other_surroundings(tmp_path: Path) -> None:
    file, name = str(sdist(tmp_path)), "old_sample-0.1-py3-none-any.whl"
    first = build(tmp_path / "1" / name, "--sdist", file, cwd=tmp_path)
    second = build(
        tmp_path / "2" / name,
        "--sdist",
        file,
        cwd=Path("/"),
        umask=0o077,
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="7",
    )
    assert first == second
    with zipfile.ZipFile(tmp_path / "1" / name) as wheel:
        assert {"old/__init__.py", "old/first.py", "old/second.py"} <= set(wheel.namelist())


def test_another_file_gives_other_bytes(tmp_path: Path) -> None:
    files = project(tmp_path / "p")
    arguments = ("--root", str(tmp_path / "p"), *map(str, files))
    first = build(tmp_path / "1" / WHEEL, *arguments, cwd=tmp_path)
    files[1].write_text("NAME = 'changed'\n")
    assert build(tmp_path / "2" / WHEEL, *arguments, cwd=tmp_path) != first


def test_a_file_that_was_not_named_is_not_in_the_wheel(tmp_path: Path) -> None:
    files = project(tmp_path / "p")
    (tmp_path / "p/src/sample/stray.py").write_text("")
    build(tmp_path / WHEEL, "--root", str(tmp_path / "p"), *map(str, files), cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / WHEEL) as wheel:
        assert "sample/stray.py" not in wheel.namelist()


def test_a_version_that_the_target_does_not_know_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    files = project(tmp_path / "p")
    with pytest.raises(subprocess.CalledProcessError):
        build(
            tmp_path / "sample-9-py3-none-any.whl",
            "--root",
            str(tmp_path / "p"),
            *map(str, files),
            cwd=tmp_path,
        )
    assert "the project builds sample-1.2.3-py3-none-any.whl" in capfd.readouterr().err
