"""unpack.py [--bytecode] WHEEL... FOLDER: the files of wheels, laid out as in one site-packages folder.

Scripts go to `FOLDER/bin`, as `pip install --target` does. With `--bytecode` the modules are compiled as
well, valid by content and not by time, so that no process compiles them again.
"""

from __future__ import annotations

import argparse
import compileall
import os
import py_compile
import shutil
import stat
import zipfile
from pathlib import Path

# Where the folders inside `NAME.data/` belong, relative to site-packages.
PLACES = {"purelib": ".", "platlib": ".", "scripts": "bin", "headers": "include", "data": "."}


def place(name: str) -> Path:
    """Where a wheel's member goes, relative to the folder."""
    parts = Path(name).parts
    if len(parts) > 2 and parts[0].endswith(".data"):
        return Path(PLACES[parts[1]], *parts[2:])
    return Path(name)


def unpack(wheel: Path, folder: Path) -> None:
    """Writes the wheel's files below the folder; files are 0644, or 0755 where the wheel says executable."""
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.infolist(), key=lambda m: m.filename):
            if member.is_dir():
                continue
            relative = place(member.filename)
            target = folder / relative
            if not target.resolve().is_relative_to(folder.resolve()):
                raise SystemExit(f"{wheel.name}: {member.filename} would be written outside of the folder")
            if target.exists() and target.read_bytes() != archive.read(member):
                raise SystemExit(f"{wheel.name}: another wheel brings {member.filename} too, and it differs")
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
            executable = bool((member.external_attr >> 16) & stat.S_IXUSR) or relative.parts[0] == "bin"
            target.chmod(0o755 if executable else 0o644)


def main() -> None:
    """Reads the command line, then unpacks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bytecode", action="store_true", help="compile the modules as well")
    parser.add_argument("wheels", type=Path, nargs="+", metavar="wheel")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    os.umask(0o022)  # folders and bytecode take their modes from it
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for wheel in arguments.wheels:
        unpack(wheel, arguments.folder)
    if arguments.bytecode:
        # Some packages carry modules for other versions of Python on purpose: what does not compile is left.
        compileall.compile_dir(
            arguments.folder,
            quiet=2,
            workers=1,
            stripdir=str(arguments.folder),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


if __name__ == "__main__":
    main()
