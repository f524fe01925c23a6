"""`sqlserver-runner`: take tables out of SQL Server; deploy, load and check any datakit."""

import sys
from typing import BinaryIO

from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.runner import Runner
from sqlmodel_framework.runner.extract import extract_step
from sqlmodel_framework.runner.step import StepContext
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS

from sqlserver_runner import __version__


def open_rows(context: StepContext, extraction: Extraction) -> BinaryIO:
    """See `sqlserver_runner.reading`; what needs no SQL Server works without ODBC."""
    from sqlserver_runner import reading

    return reading.open_rows(context, extraction)


RUNNER = Runner(
    "sqlserver-runner",
    version=__version__,
    steps=(extract_step(open_rows), *FRAMEWORK_STEPS),
)


def main() -> int:
    """Run the command line; returns the exit code."""
    return RUNNER.main()


if __name__ == "__main__":
    sys.exit(main())
