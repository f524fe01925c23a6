"""What mypy is told beforehand makes it sooner, never milder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path("tools/python/run_checks.py").absolute()
CACHE = Path(os.environ["TYPES_CACHE"]).absolute()
SETTINGS = Path("pyproject.toml").absolute()


def types(folder: Path, *first: Path, **modules: str) -> str:
    """What the check says about modules of a package; empty where it passes."""
    for name, text in modules.items():
        file = folder / "package" / "src" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    folder.joinpath("pyproject.toml").write_text(SETTINGS.read_text())
    files = sorted(str(file.relative_to(folder)) for file in folder.glob("package/src/*.py"))
    done = subprocess.run(
        [sys.executable, PROGRAM, "types", "package", *files],
        cwd=folder,
        env={"TYPES_CACHE": str(CACHE), "PYTHONPATH": os.pathsep.join(map(str, [*first, *sys.path]))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (0 if done.stdout.startswith("Success") else 1), done.stdout + done.stderr
    return "" if done.returncode == 0 else done.stdout


def test_what_is_right_passes(tmp_path: Path) -> None:
    assert types(tmp_path, a="import pytest\n\nskip = pytest.mark.skip(reason='x')") == ""


def test_a_mistake_with_a_module_that_is_known_beforehand_is_seen(tmp_path: Path) -> None:
    assert 'No overload variant of "raises"' in types(tmp_path, a="import pytest\n\npytest.raises(1)")


def test_a_mistake_with_a_module_of_the_package_is_seen(tmp_path: Path) -> None:
    said = types(tmp_path, a="def half(of: int) -> float:\n    return of / 2", b="import a\n\na.half('x')")
    assert 'incompatible type "str"; expected "int"' in said


def test_another_version_of_a_module_is_read_again(tmp_path: Path) -> None:
    other = tmp_path / "other" / "pytest"
    other.mkdir(parents=True)
    other.joinpath("py.typed").touch()
    other.joinpath("__init__.py").write_text("def raises(what: int) -> None: ...\n")
    assert types(tmp_path, other.parent, a="import pytest\n\npytest.raises(1)") == ""
    assert 'incompatible type "str"; expected "int"' in types(
        tmp_path, other.parent, a="import pytest\n\npytest.raises('x')"
    )
