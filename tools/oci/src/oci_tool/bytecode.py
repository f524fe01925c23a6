"""Python modules compiled ahead: an image's file system is read-only, so each start would compile them again.

    python bytecode.py FOLDER ROOT      compiles FOLDER's modules as if FOLDER lay at ROOT

Bytecode is valid by content, not by time. It runs in a process of its own with a fixed environment: what a
process has seen before shows in the bytes that Python writes.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oci_tool.tree import Tree

_FIXED = {
    "LC_ALL": "C.UTF-8",
    "PATH": os.defpath,
    "PYTHONHASHSEED": "0",
    # A traceback names file and line; where in the line is a fifth of a packed layer.
    "PYTHONNODEBUGRANGES": "1",
    "TZ": "UTC",
}


def compile_folder(folder: Path, root: str) -> None:
    """Compiles every module below the folder; `root` is the folder's path in the image, for tracebacks."""
    subprocess.run(
        [sys.executable, "-P", "-s", "-S", "-B", os.path.abspath(__file__), str(folder), root],
        check=True,
        env=_FIXED,
        cwd=folder,
        umask=0o022,
    )


def compile_modules(tree: Tree, root: str, folder: Path) -> None:
    """Adds the bytecode of all modules of a tree that lie below `root`.

    Args:
        tree: where the modules are, and what their bytecode is added to.
        root: a folder of the image.
        folder: an empty folder, for the modules meanwhile; it has to stay until the layer is written.
    """
    for path, entry in list(tree.entries()):
        if f"/{path}".startswith(f"{root}/") and path.endswith(".py") and isinstance(entry.source, Path):
            copy = folder / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(entry.source, copy)
    compile_folder(folder / root.lstrip("/"), root)
    for file in sorted((folder / root.lstrip("/")).rglob("*.pyc")):
        tree.file(str(file.relative_to(folder)), file)


def main(folder: str, root: str) -> None:
    """Compiles; modules for other versions of Python, and templates of modules, are left as they are."""
    compileall.compile_dir(
        folder,
        maxlevels=100,
        quiet=2,
        workers=1,
        stripdir=folder,
        prependdir=root,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
