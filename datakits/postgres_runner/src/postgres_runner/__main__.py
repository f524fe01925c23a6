"""`postgres-runner`: extract from PostgreSQL and MariaDB into either; deploy and check what is there."""

import sys

from sqlmodel_framework.runner import Runner
from sqlmodel_framework.runner.extract import extract_step
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS

from postgres_runner import __version__

RUNNER = Runner("postgres-runner", version=__version__, steps=(extract_step(), *FRAMEWORK_STEPS))


def main() -> int:
    """Run the command line; returns the exit code."""
    return RUNNER.main()


if __name__ == "__main__":
    sys.exit(main())
