"""A wheel is laid out as pip would lay it out in one folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import unpack


def wheel(file: Path, members: dict[str, tuple[str, int]]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, (text, mode) in members.items():
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, text)
    return file


def test_data_folders_go_where_they_belong(tmp_path: Path) -> None:
    source = {
        "pkg/__init__.py": ("", 0o644),
        "pkg/tool.so": ("", 0o755),
        "pkg-1.data/scripts/run": ("#!x", 0o644),
        "pkg-1.data/purelib/other/__init__.py": ("", 0o644),
        "pkg-1.data/data/share/x.txt": ("x", 0o644),
    }
    unpack.unpack(wheel(tmp_path / "pkg.whl", source), tmp_path / "site")
    found = {str(p.relative_to(tmp_path / "site")) for p in (tmp_path / "site").rglob("*") if p.is_file()}
    assert found == {"pkg/__init__.py", "pkg/tool.so", "bin/run", "other/__init__.py", "share/x.txt"}
    assert os.access(tmp_path / "site/bin/run", os.X_OK)
    assert os.access(tmp_path / "site/pkg/tool.so", os.X_OK)
    assert not os.access(tmp_path / "site/pkg/__init__.py", os.X_OK)


def laid_out(
    source: Path, out: Path, *, cwd: Path, umask: int, **environment: str
) -> list[tuple[str, int, bytes]]:
    """Runs the tool as the build does; every file and folder with its mode and what is in it."""
    subprocess.run(
        [sys.executable, os.path.abspath(unpack.__file__), "--bytecode", str(source), str(out)],
        check=True,
        cwd=cwd,
        umask=umask,
        env={"PATH": os.defpath, "PYTHONPATH": os.environ["PYTHONPATH"], **environment},
    )
    return [
        (str(path.relative_to(out)), path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(out.rglob("*"))
    ]


def test_the_same_wheel_is_laid_out_the_same_in_other_surroundings(tmp_path: Path) -> None:
    # In bytecode the order within a set is that of its strings' hashes.
    code = "def known(x):\n    return x in {'one', 'two', 'three', 'four', 'five'}\n"
    members = {f"pkg/{name}/__init__.py": (code, 0o664) for name in "abc"} | {
        "pkg-1.data/scripts/run": ("#!x", 0o644)
    }
    first = wheel(tmp_path / "pkg.whl", members)
    second = wheel(tmp_path / "reordered.whl", dict(reversed(members.items())))
    here = laid_out(first, tmp_path / "here", cwd=tmp_path, umask=0o022)
    there = laid_out(
        second, tmp_path / "there", cwd=Path("/"), umask=0o077, TZ="Asia/Kathmandu", PYTHONHASHSEED="7"
    )
    assert here == there
    assert ("bin/run", 0o100755, b"#!x") in here


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    source = wheel(tmp_path / "bad.whl", {"../outside.py": ("", 0o644)})
    with pytest.raises(SystemExit, match=r"outside\.py"):
        unpack.unpack(source, tmp_path / "site")
    assert not (tmp_path / "outside.py").exists()


def test_two_wheels_of_one_folder_may_bring_the_same_file_and_not_another_one(tmp_path: Path) -> None:
    first = wheel(tmp_path / "a.whl", {"space/__init__.py": ("", 0o644), "space/a.py": ("", 0o644)})
    second = wheel(tmp_path / "b.whl", {"space/__init__.py": ("", 0o644), "space/b.py": ("", 0o644)})
    third = wheel(tmp_path / "c.whl", {"space/__init__.py": ("1", 0o644)})
    for each in (first, second):
        unpack.unpack(each, tmp_path / "site")
    assert sorted(path.name for path in (tmp_path / "site/space").iterdir()) == [
        "__init__.py",
        "a.py",
        "b.py",
    ]
    with pytest.raises(SystemExit, match=r"c\.whl: another wheel brings space/__init__\.py"):
        unpack.unpack(third, tmp_path / "site")
