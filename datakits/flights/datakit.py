"""`bazel run //datakits/flights:datakit`: the command `datakit`, with this datakit installed."""

from __future__ import annotations

import os
import sys

from sqlmodel_framework.cli.main import main


def run(*arguments: str) -> None:
    """Run `datakit` with these arguments and then the caller's, with paths as the caller means them."""
    # Bazel starts programs in a folder of its own.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", os.curdir))
    program = "./bazelw run //datakits/flights:datakit --"
    sys.exit(main([*arguments, *sys.argv[1:]], program=program))


if __name__ == "__main__":
    run()
