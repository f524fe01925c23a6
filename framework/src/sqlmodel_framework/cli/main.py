"""The command `datakit`. Every command is a thin reading of a function of the library."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from .. import __version__
from ..errors import DatakitError
from ..runs.exit_codes import ExitCode
from ..runs.stopping import stop_on_sigterm
from . import adopt, deploy, describe, drift, fill, new, plan, query, rollback, run, targets, trace, verify
from .installed import ExtensibleGroup

app = typer.Typer(
    name="datakit",
    cls=ExtensibleGroup,
    help="Deploy datakits, load them, and see what is there.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("deploy")(deploy.deploy)
app.command("drift")(drift.drift)
app.command("describe")(describe.describe)
app.command("verify")(verify.verify)
app.command("trace")(trace.trace)
app.command("history")(rollback.history)
app.command("rollback")(rollback.rollback)
app.command("new")(new.new)
app.command("adopt")(adopt.adopt)
app.command("fill")(fill.fill)
app.command("query")(query.query)
app.add_typer(targets.app, name="targets")

_INTERRUPTED = 130
_BROKEN_PIPE = 141


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"datakit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    context.ensure_object(dict)["debug"] = debug


def main(arguments: Sequence[str] | None = None, *, program: str = "datakit") -> int:
    """Run the command.

    Args:
        arguments: those of the command line by default.
        program: what the user typed to get here; hints repeat it.

    Returns:
        The exit code; see `sqlmodel_framework.runs.exit_codes`.
    """
    state: dict[str, Any] = {}
    try:
        with stop_on_sigterm():
            code = app(
                args=None if arguments is None else list(arguments),
                prog_name=program,
                standalone_mode=False,
                obj=state,
            )
            sys.stdout.flush()
            return code if isinstance(code, int) else ExitCode.DONE
    except DatakitError as error:
        _explain(error.message, error.hint, state)
        return error.exit_code
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else program
        _explain(error.format_message(), f"{command} --help", state)
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort):
        _explain("interrupted", None, state)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not try to flush it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        _explain(f"unexpected: {text}", f"{program} --debug ... shows where", state)
        return ExitCode.BUG


def _explain(message: str, hint: str | None, state: dict[str, Any]) -> None:
    if state.get("debug"):
        traceback.print_exc()
    sys.stderr.write(f"error: {message}\n")
    if hint:
        sys.stderr.write(f"hint: {hint}\n")


if __name__ == "__main__":
    sys.exit(main())
