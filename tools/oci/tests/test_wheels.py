"""Wheels in a layer: as pip installs them, and none over another."""

from __future__ import annotations

from pathlib import Path

import pytest
from oci_tool.tree import RefusedError, Tree
from oci_tool.wheels import install_wheels
from sample import wheel

SITE = "opt/v/lib/python3.11/site-packages"


def installed(folder: Path, *wheels: Path) -> dict[str, int]:
    tree = Tree()
    (folder / "work").mkdir()
    install_wheels(wheels, "/opt/v", tree, folder / "work")
    return {path: entry.mode for path, entry in tree.entries()}


def test_modules_scripts_metadata_and_bytecode_are_there(tmp_path: Path) -> None:
    file = wheel(tmp_path / "pkg-1-py3-none-any.whl", {"pkg/a.py": "x = 1\n"}, "run = pkg.a:x")
    paths = installed(tmp_path, file)
    assert paths["opt/v/bin/run"] == 0o755
    assert paths[f"{SITE}/pkg/a.py"] == 0o644
    assert {f"{SITE}/pkg/__pycache__/a.cpython-311.pyc", f"{SITE}/pkg-1.dist-info/METADATA"} <= set(paths)
    assert (tmp_path / "work" / SITE / "pkg-1.dist-info/INSTALLER").read_text() == "bazel\n"


def test_wheels_may_share_a_module_that_is_the_same_but_for_comments(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path / f"{name}-1-py3-none-any.whl", {"space/__init__.py": text, f"space/{name}.py": ""})
        for name, text in {"a": "x = 1\n", "b": "# of b\nx = 1\n", "c": "x = 1\n"}.items()
    ]
    paths = installed(tmp_path, *wheels)
    assert {f"{SITE}/space/{name}.py" for name in ("__init__", "a", "b", "c")} <= set(paths)
    assert (tmp_path / "work" / SITE / "space/__init__.py").read_text() == "x = 1\n"


def test_wheels_that_disagree_on_a_file_are_refused(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path / f"{name}-1-py3-none-any.whl", {"space/__init__.py": f"x = {name!r}"})
        for name in ("a", "b")
    ]
    with pytest.raises(RefusedError, match=r"space/__init__\.py: two wheels of one layer bring it"):
        installed(tmp_path, *wheels)
