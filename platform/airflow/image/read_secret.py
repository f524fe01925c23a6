#!/opt/datakit/bin/python -I
"""read-secret FILE: prints a file without its last newline, for settings of Airflow that end in `_CMD`."""

from __future__ import annotations

import sys
from pathlib import Path


def main(arguments: list[str]) -> str | None:
    """Prints the file; returns what is wrong, which names the file and nothing that is in it."""
    if len(arguments) != 1:
        return "usage: read-secret FILE"
    try:
        sys.stdout.write(Path(arguments[0]).read_text(encoding="utf-8").rstrip("\r\n"))
    except (OSError, UnicodeDecodeError) as error:
        return f"read-secret: {arguments[0]}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
