"""One run of dbt: profile, command line, result."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path

from dbt.version import __version__ as dbt_version
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.runner import StepContext
from sqlmodel_framework.runs.spec import Window

from dbt_runner import sqlserver
from dbt_runner.failures import error_of_results, error_of_run
from dbt_runner.invocation import Invocation
from dbt_runner.nodes import Manifest, NodeResult
from dbt_runner.outcome import check_reports, counts_by_status, lineage, table_reports
from dbt_runner.parameters import Parameters, read_parameters
from dbt_runner.profile import PASSWORD_VARIABLE, PROFILE, connection_settings, password_of, write_profile
from dbt_runner.project import Project

__all__ = ["carry_out", "command_line"]

# What can be told which span of time a microbatch model is about.
_TAKES_WINDOW = ("build", "run")
_FILLS_TABLES = ("build", "run", "seed", "snapshot")


def carry_out(command: str, context: StepContext, project: Project) -> None:
    """Let dbt do something with a project, and write down what came out of it.

    Args:
        command: dbt's, such as "build".
        context: the run; its tables, checks and details are filled in.
        project: the project.

    Raises:
        TerminalError: the project or its SQL is wrong, or nothing is selected.
        ContractError: a test failed, or data do not fit.
        UnavailableError: the database went away.
        StoppedError: SIGTERM came.
    """
    target = context.target
    assert target is not None
    parameters = read_parameters(context.spec)
    assert context.spec.target is not None
    target_name = context.spec.target.name or "default"
    password = password_of(target)
    if target.dialect == "mssql":
        sqlserver.prepare(target, password)
    variables = {"DO_NOT_TRACK": "1", PASSWORD_VARIABLE: password}
    with _private_folder() as folder, _environment(variables):
        write_profile(
            folder,
            connection_settings(target, parameters.schema or project.name),
            target_name=target_name,
            threads=parameters.threads,
        )
        arguments = command_line(command, project, folder, parameters, context.spec.window)
        invocation = Invocation(context.log)
        try:
            invocation.carry_out(arguments)
        finally:
            manifest = Manifest.read(folder / "target", target.url.database)
            _write_down(command, context, invocation.results, manifest)
    error = error_of_results(invocation.results, invocation.cause, manifest, target)
    if error is not None:
        raise error
    if invocation.error is not None:
        raise error_of_run(invocation.error, target)
    if not invocation.succeeded:
        raise TerminalError("dbt did not succeed, and does not say why", hint="see the log")
    if parameters.select and not invocation.results:
        raise TerminalError(
            f"nothing in the project matches the parameter 'select': {' '.join(parameters.select)}",
            hint="`dbt ls --select ...` in the project shows what there is",
        )


def command_line(
    command: str, project: Project, folder: Path, parameters: Parameters, window: Window | None
) -> list[str]:
    """The arguments of dbt.

    Args:
        command: dbt's, such as "build".
        project: the project.
        folder: where dbt writes, and where the profile is.
        parameters: what the specification says.
        window: the span of time that microbatch models are about.
    """
    arguments = [
        command,
        f"--project-dir={project.folder}",
        f"--profiles-dir={folder}",
        f"--profile={PROFILE}",
        f"--target-path={folder / 'target'}",
        f"--log-path={folder / 'logs'}",
        # Events come by a callback; nothing is printed, and no file is kept.
        "--log-level=none",
        "--log-level-file=none",
        "--no-use-colors",
        "--printer-width=1",
        "--no-send-anonymous-usage-stats",
        "--no-partial-parse",
    ]
    if parameters.full_refresh:
        arguments.append("--full-refresh")
    if parameters.vars:
        arguments.append(f"--vars={json.dumps(dict(parameters.vars), ensure_ascii=False)}")
    if window is not None and command in _TAKES_WINDOW:
        for name, moment in (("start", window.start), ("end", window.end)):
            # dbt takes a time without a zone for UTC, and knows no fractions of a second.
            text = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
            arguments.append(f"--event-time-{name}={text}")
    for name, selectors in (("select", parameters.select), ("exclude", parameters.exclude)):
        if selectors:
            arguments += [f"--{name}", *selectors]
    return arguments


def _write_down(
    command: str, context: StepContext, results: Sequence[NodeResult], manifest: Manifest
) -> None:
    if command in _FILLS_TABLES:
        context.tables += table_reports(results, manifest)
    context.checks += check_reports(results, manifest)
    context.details["dbt_version"] = dbt_version
    context.details["counts"] = counts_by_status(results)
    context.details["lineage"] = lineage(results, manifest)


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder that nobody else may read, for as long as dbt works."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="dbt-runner-", ignore_cleanup_errors=True)
    except OSError as error:
        raise TerminalError(
            f"dbt needs a folder to write to: {error.strerror}", hint="let /tmp be writable: --tmpfs /tmp"
        ) from None
    with folder as path:
        yield Path(path)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
