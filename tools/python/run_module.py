"""Runs a module of its libraries, in a build action that has no command: run_module.py MODULE ARG..."""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Runs the module that the command line names, with the rest of it as its own."""
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
