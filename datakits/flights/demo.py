"""`bazel run //datakits/flights:demo`: `datakit run flights`, with paths as the caller means them."""

from __future__ import annotations

import os
import sys

from sqlmodel_framework.cli.main import main

if __name__ == "__main__":
    # Bazel starts programs in a folder of its own.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", os.curdir))
    sys.argv[1:1] = ["run", "flights"]
    main()
