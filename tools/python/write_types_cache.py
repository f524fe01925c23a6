"""write_types_cache.py MODULES FILE: what mypy knows of the modules named in a file, and of all they import.

mypy takes nothing from a cache on trust: it compares the hash of each source, and what each module finds of
its imports. So a check with fewer or other libraries finds what it would find without the cache, but sooner.

The file has the same bytes each time: mypy writes down the time and absolute paths, so it is given a clock
that stands still, and imports from one place in the sandbox's own temporary folder, wherever the sandbox is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from type_check import arguments, cache_file

MYPY = "import time; time.time = lambda: 0.0; from mypy.main import main; main(clean_exit=True)"


def main() -> int:
    """Writes the file; fails where a module is not found or has no types."""
    modules, file = (Path(argument).absolute() for argument in sys.argv[1:])
    program = "".join(f"import {name}\n" for name in modules.read_text().split())
    folder = Path(tempfile.gettempdir(), "types")
    folder.mkdir()
    imports = []
    for number, path in enumerate(filter(None, sys.path)):
        imports.append(folder / str(number))
        imports[-1].symlink_to(os.path.abspath(path))
    sys.path[:] = map(str, imports)
    command = [sys.executable, "-c", MYPY, *arguments(folder, "--no-error-summary", "--command", program)]
    code = subprocess.run(command).returncode
    if code == 0:
        shutil.copyfile(cache_file(folder), file)
    return code


if __name__ == "__main__":
    sys.exit(main())
