"""The command line of a runner: `NAME run`, `NAME steps`, `NAME schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.exceptions import TyperException

from ..runs.exit_codes import ExitCode
from ..runs.reading import SPEC_VARIABLE
from ..runs.report import report_schema
from ..runs.spec import spec_schema

if TYPE_CHECKING:
    from .runner import Runner

__all__ = ["make_command"]


def make_command(runner: Runner) -> Callable[[Sequence[str] | None], int]:
    """A function that takes arguments, those of the command line by default, and returns an exit code."""
    app = typer.Typer(
        name=runner.name,
        help="Turn a run specification into a run report.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    @app.command()
    def run(
        spec: Annotated[
            Path | None,
            typer.Option(
                "--spec",
                readable=False,  # else the mistake would be told without a report
                metavar="FILE",
                help=f"The specification, JSON or YAML; by default ${SPEC_VARIABLE}.",
            ),
        ] = None,
        report: Annotated[
            Path | None,
            typer.Option("--report", metavar="FILE", help="Write the report there too."),
        ] = None,
        wait: Annotated[
            float,
            typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait for a database."),
        ] = 60.0,
    ) -> int:
        """Carry out a run. The report is the last line of standard output; logs are on standard error."""
        return runner.run(spec, report, wait)

    @app.command()
    def steps() -> None:
        """List what this runner can do, one JSON object a line."""
        for step in runner.steps.values():
            typer.echo(
                json.dumps(
                    {
                        "step": step.name,
                        "summary": step.summary,
                        "source": step.needs_source,
                        "target": step.needs_target,
                        "parameters": sorted(step.parameters),
                    }
                )
            )

    @app.command()
    def schema(
        of: Annotated[Literal["spec", "report"], typer.Argument(metavar="spec|report")],
    ) -> None:
        """Print the JSON Schema of a specification or of a report."""
        typer.echo(json.dumps(spec_schema() if of == "spec" else report_schema(), indent=2))

    @app.callback(invoke_without_command=True)
    def options(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    ) -> None:
        if version:
            typer.echo(f"{runner.name} {runner.version}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            context.fail("Missing command.")

    def main(arguments: Sequence[str] | None) -> int:
        try:
            code = app(
                args=None if arguments is None else list(arguments),
                prog_name=runner.name,
                standalone_mode=False,
            )
        except TyperException as error:
            sys.stderr.write(f"error: {error.format_message()}\nhint: {runner.name} --help\n")
            return ExitCode.USAGE
        except (KeyboardInterrupt, typer.Abort):
            return 130
        return code if isinstance(code, int) else ExitCode.DONE

    return main
