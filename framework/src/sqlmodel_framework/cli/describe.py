"""`datakit describe`: a datakit as far as an orchestrator has to know it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import TerminalError
from .run import NameArgument


def describe(
    name: NameArgument,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write it to a file instead of standard output."),
    ] = None,
) -> None:
    """Write a datakit's tables, loads and checks, and what waits for what, as JSON.

    No database is asked, and the same datakit gives the same bytes. Loads that wait for one another are
    refused.
    """
    from ..runs.describing import describe as describe_datakit

    described = describe_datakit(name)
    described.load_order()
    if output is None:
        sys.stdout.write(described.text())
        return
    try:
        output.write_text(described.text(), encoding="utf-8")
    except OSError as error:
        raise TerminalError(f"{output} cannot be written: {error.strerror}") from None
