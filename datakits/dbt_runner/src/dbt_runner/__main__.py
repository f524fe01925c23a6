"""`dbt-runner`: build a dbt project in PostgreSQL or SQL Server."""

import sys

from sqlmodel_framework.runner import Runner

from dbt_runner import __version__
from dbt_runner.database import connect_once
from dbt_runner.steps import STEPS

RUNNER = Runner("dbt-runner", version=__version__, steps=STEPS, probe=connect_once)


def main() -> int:
    """Run the command line; returns the exit code."""
    return RUNNER.main()


if __name__ == "__main__":
    sys.exit(main())
