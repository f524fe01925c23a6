"""Wheels installed into a layer, in a virtual environment of the image."""

from __future__ import annotations

import ast
import stat
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from installer import install
from installer.destinations import SchemeDictionaryDestination
from installer.records import RecordEntry
from installer.sources import WheelFile
from installer.utils import Scheme

from oci_tool.bytecode import compile_folder
from oci_tool.tree import RefusedError, Tree

# Who installed it, as a package's metadata says it.
_INSTALLER = b"bazel\n"


class _Destination(SchemeDictionaryDestination):
    """A destination to which several wheels may bring the same file, as those of one namespace do.

    The first stays. Modules are the same when they differ in comments and layout alone.
    """

    def write_to_fs(self, scheme: Scheme, path: str, stream: BinaryIO, is_executable: bool) -> RecordEntry:
        target = Path(self._path_with_destdir(scheme, path))
        if not target.exists():
            return super().write_to_fs(scheme, path, stream, is_executable)
        first, second = target.read_bytes(), stream.read()
        if first != second and not (path.endswith(".py") and _program(first) == _program(second)):
            raise RefusedError(f"{path}: two wheels of one layer bring it, and it differs")
        target.unlink()
        return super().write_to_fs(scheme, path, BytesIO(first), is_executable)


def _program(source: bytes) -> str:
    return ast.dump(ast.parse(source))


def install_wheels(wheels: Iterable[Path], environment: str, tree: Tree, folder: Path) -> None:
    """Adds wheels to the tree, as pip would install them, their modules compiled.

    Args:
        wheels: the files, in any order.
        environment: the virtual environment's path in the image.
        tree: what they are added to.
        folder: an empty folder, where they are put meanwhile; it has to stay until the layer is written.
    """
    site = f"{environment}/lib/python3.11/site-packages"
    destination = _Destination(
        {
            "purelib": site,
            "platlib": site,
            "scripts": f"{environment}/bin",
            "data": environment,
            "headers": f"{environment}/include/site/python3.11",
        },
        interpreter=f"{environment}/bin/python",
        script_kind="posix",
        destdir=str(folder),
    )
    for wheel in sorted(wheels, key=lambda path: path.name):
        with WheelFile.open(wheel) as source:
            install(source=source, destination=destination, additional_metadata={"INSTALLER": _INSTALLER})
    compile_folder(folder / site.lstrip("/"), site)
    add_folder(folder, "/", tree)


def add_folder(folder: Path, path: str, tree: Tree) -> None:
    """Adds all files below a folder, links followed; 0755 for what may be executed, 0644 for the others."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            executable = file.stat().st_mode & stat.S_IXUSR
            tree.file(f"{path}/{file.relative_to(folder)}", file, 0o755 if executable else 0o644)
