"""The tool gives the same bytes wherever and however it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sample import deb, wheel


def written(
    folder: Path, of: list[str], packages: list[Path], *, cwd: Path, umask: int = 0o022, **environment: str
) -> tuple[bytes, bytes]:
    """Runs the tool as the build does; both documents."""
    folder.mkdir(parents=True)
    subprocess.run(
        [sys.executable, "-P", "-m", "sbom_tool", *of]
        + [f"--{name}={folder / name}" for name in ("spdx", "cyclonedx")]
        + [str(package) for package in packages],
        check=True,
        cwd=cwd,
        umask=umask,
        env={"PATH": os.defpath, "PYTHONPATH": os.environ["PYTHONPATH"], **environment},
    )
    return (folder / "spdx").read_bytes(), (folder / "cyclonedx").read_bytes()


@pytest.mark.parametrize("kind", ["image", "wheel"])
def test_the_same_packages_give_the_same_bytes_in_other_surroundings(tmp_path: Path, kind: str) -> None:
    packages = [
        *(deb(tmp_path / f"lib{name}.deb", {f"usr/lib/{name}.so": name}) for name in "abc"),
        *(wheel(tmp_path / f"{name}-1-py3-none-any.whl", {f"{name}.py": ""}) for name in ("one", "two")),
    ]
    digest = tmp_path / "digest"
    digest.write_text(f"sha256:{'0' * 64}\n")
    of = ["--image=x/y", f"--digest={digest}"] if kind == "image" else [f"--wheel={packages[-1]}"]
    first = written(tmp_path / "here", of, packages, cwd=tmp_path)
    for file in (*packages, digest):
        file.chmod(0o600)
        os.utime(file, (1, 1))
    second = written(
        tmp_path / "some" / "where else",
        of,
        packages[::-1],
        cwd=Path("/"),
        umask=0o077,
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="42",
        LC_ALL="C",
        SOURCE_DATE_EPOCH="1700000000",
    )
    assert first == second
    assert all(b"libc" in document and b"one" in document for document in first)
