"""`sqlmodel-runner`: deploy, load and check any datakit that can be imported."""

import sys

from sqlmodel_framework.runner import Runner
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS

from sqlmodel_runner import __version__

RUNNER = Runner("sqlmodel-runner", version=__version__, steps=FRAMEWORK_STEPS)


def main() -> int:
    """Run the command line; returns the exit code."""
    return RUNNER.main()


if __name__ == "__main__":
    sys.exit(main())
