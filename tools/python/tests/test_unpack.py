"""A wheel is laid out as pip would lay it out in one folder."""

from __future__ import annotations

import os
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


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    source = wheel(tmp_path / "pkg.whl", {"pkg/__init__.py": ("", 0o664)})
    previous = os.umask(0o077)
    try:
        unpack.unpack(source, tmp_path / "site")
    finally:
        os.umask(previous)
    assert (tmp_path / "site/pkg/__init__.py").stat().st_mode & 0o777 == 0o644


def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    source = wheel(tmp_path / "bad.whl", {"../outside.py": ("", 0o644)})
    with pytest.raises(SystemExit, match=r"outside\.py"):
        unpack.unpack(source, tmp_path / "site")
    assert not (tmp_path / "outside.py").exists()
