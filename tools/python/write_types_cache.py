"""write_types_cache.py MODULES FILE: what mypy knows of the modules named in a file, and of all they import.

mypy takes nothing from a cache on trust: it compares the hash of each source, and what each module finds of
its imports. So a check with fewer or other libraries finds what it would find without the cache, but sooner.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from type_check import cache_file, mypy


def main() -> int:
    """Writes the file; fails where a module is not found or has no types."""
    modules, file = map(Path, sys.argv[1:])
    program = "".join(f"import {name}\n" for name in modules.read_text().split())
    with tempfile.TemporaryDirectory(dir=file.parent) as temporary:
        folder = Path(temporary).absolute()
        code = subprocess.run(mypy(folder, "--no-error-summary", "--command", program)).returncode
        if code == 0:
            cache_file(folder).rename(file)
    return code


if __name__ == "__main__":
    sys.exit(main())
