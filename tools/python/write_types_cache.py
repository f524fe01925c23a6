"""write_types_cache.py MODULES FILE: what mypy knows of the modules named in a file, and of all they import.

mypy takes nothing from a cache on trust: it compares the hash of each source, and what each module finds of
its imports. So a check with fewer or other libraries finds what it would find without the cache, but sooner.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from mypy.main import main as mypy
from type_check import arguments, cache_file


def main() -> None:
    """Writes the file; exits with another code than 0 where a module is not found or has no types."""
    modules, file = map(Path, sys.argv[1:])
    program = "".join(f"import {name}\n" for name in modules.read_text().split())
    with tempfile.TemporaryDirectory(dir=file.parent) as temporary:
        folder = Path(temporary).absolute()
        # mypy notes when it wrote what, and the file is to be the same each time.
        time.time = lambda: 0.0
        mypy(args=arguments(folder, "--no-error-summary", "--command", program), clean_exit=True)
        cache_file(folder).rename(file)


if __name__ == "__main__":
    main()
