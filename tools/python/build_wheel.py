"""Builds a wheel through its project's build backend (PEP 517), the same bytes for the same files.

    build_wheel.py --out NAME.whl --root FOLDER FILE...     the project in FOLDER, of which only FILEs count
    build_wheel.py --out NAME.whl --sdist NAME.tar.gz       the project inside an sdist

What a backend could take from its surroundings is set here: file modes and times, the working folder, the
time of the build, the umask, the time zone, the hash seed, the locale. No version-control data is there.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

# The earliest time that a zip file can hold.
EARLIEST = 315532800

FIXED = {
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": str(EARLIEST),
    "TZ": "UTC",
}


def lay_out(root: Path, files: list[Path], project: Path) -> None:
    """Copies the project's files, in a fixed order, with fixed modes."""
    for file in sorted(files):
        target = project / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


def lay_out_sdist(sdist: Path, project: Path) -> None:
    """Unpacks an sdist's one top folder as the project."""
    with tarfile.open(sdist) as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            relative = Path(*Path(member.name).parts[1:])
            if ".." in relative.parts or not member.isfile():
                continue
            source = archive.extractfile(member)
            assert source is not None
            target = project / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            target.chmod(0o755 if member.mode & 0o100 else 0o644)


def settle(project: Path) -> None:
    """Gives every file and folder one time, and the modes that do not depend on a umask."""
    for path in sorted(project.rglob("*"), reverse=True):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (EARLIEST, EARLIEST))


def backend(project: Path) -> str:
    """The build backend that the project names; setuptools' own where it names none."""
    file = project / "pyproject.toml"
    declared = tomllib.loads(file.read_text()).get("build-system", {}) if file.exists() else {}
    return str(declared.get("build-backend", "setuptools.build_meta:__legacy__"))


def call_backend(name: str, out: Path) -> str:
    """Calls the backend's `build_wheel` for the project in the working folder; returns the file's name."""
    module, _, attribute = name.partition(":")
    hook = importlib.import_module(module)
    for part in attribute.split(".") if attribute else []:
        hook = getattr(hook, part)
    return str(hook.build_wheel(str(out)))


def build(arguments: argparse.Namespace) -> None:
    """Lays the project out, has the backend build it in its own process, checks what came."""
    with tempfile.TemporaryDirectory() as folder:
        project, built = Path(folder, "project"), Path(folder, "built")
        project.mkdir()
        built.mkdir()
        if arguments.sdist:
            lay_out_sdist(arguments.sdist, project)
        else:
            lay_out(arguments.root, arguments.files, project)
        settle(project)
        environment = {
            **FIXED,
            "HOME": folder,
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        }
        result = subprocess.run(
            [sys.executable, "-P", os.path.abspath(__file__), "--call-backend", backend(project), str(built)],
            cwd=project,
            env=environment,
            umask=0o022,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wheels = sorted(built.glob("*.whl"))
        if result.returncode or len(wheels) != 1:
            raise SystemExit(f"the build backend made no wheel:\n{result.stdout}")
        if wheels[0].name != arguments.out.name:
            raise SystemExit(
                f"the project builds {wheels[0].name}, its target says {arguments.out.name}: make them agree"
            )
        shutil.copyfile(wheels[0], arguments.out)


def main() -> None:
    """Reads the command line, then builds."""
    if sys.argv[1:2] == ["--call-backend"]:
        call_backend(sys.argv[2], Path(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sdist", type=Path)
    parser.add_argument("--root", type=Path)
    parser.add_argument("files", type=Path, nargs="*")
    build(parser.parse_args())


if __name__ == "__main__":
    main()
