"""`spark-runner`: extract large tables by Spark, run Spark jobs, deploy and check."""

import sys

from sqlmodel_framework.runner import Runner
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS

from spark_runner import __version__
from spark_runner.executor import become_executor
from spark_runner.extract import EXTRACT
from spark_runner.job import JOB

RUNNER = Runner("spark-runner", version=__version__, steps=(EXTRACT, JOB, *FRAMEWORK_STEPS))


def main() -> int:
    """Run the command line; returns the exit code."""
    if sys.argv[1:] == ["executor"]:
        become_executor()
    return RUNNER.main()


if __name__ == "__main__":
    sys.exit(main())
