"""pip_for_debian.py PIP.whl ARGUMENTS: pip, choosing files as it would on Debian 12.

pip takes the newest kind of wheel that the running C library can load. Ours must run in images of Debian 12,
whatever C library the machine has, so pip is told Debian 12's version here.
"""

from __future__ import annotations

import sys

GLIBC_OF_DEBIAN_12 = (2, 36)


def main(pip_wheel: str, arguments: list[str]) -> int:
    """Runs pip from its wheel and returns its exit code."""
    sys.path.insert(0, pip_wheel)
    from pip._internal.cli.main import main as pip
    from pip._vendor.packaging import _manylinux

    # pip has no option for it: `--platform` would refuse sdists.
    setattr(_manylinux, "_get_glibc_version", lambda: GLIBC_OF_DEBIAN_12)  # noqa: B010, it is no public name
    return pip(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
