"""Writes down what a build action sees of the machine, for test_sandbox.py."""

from __future__ import annotations

import os
import platform
import socket
import sys
from pathlib import Path

GIVEN = {
    "PATH",
    "PYTHONPATH",
    "PYTHONSAFEPATH",
    "PWD",
    "TMPDIR",
    "HOME",
    "RUNFILES_DIR",
    "PYTHON_RUNFILES",
    "RUNFILES_MANIFEST_FILE",
    "SHLVL",
    "_",
}


def main() -> None:
    """Writes `name=value` lines into the file that the command line names."""
    seen = {
        "interfaces": ",".join(sorted(name for _, name in socket.if_nameindex())),
        "version": platform.python_version(),
        "machine_environment": ",".join(
            sorted(n for n in os.environ if n not in GIVEN and not n.startswith("LC_"))
        ),
        "can_write_workspace": str(os.access(os.path.realpath(__file__), os.W_OK)),
    }
    Path(sys.argv[1]).write_text("".join(f"{name}={value}\n" for name, value in seen.items()))


if __name__ == "__main__":
    main()
