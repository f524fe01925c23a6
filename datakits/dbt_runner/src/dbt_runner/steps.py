"""The steps: dbt's commands, by the run contract."""

from __future__ import annotations

from functools import partial

from sqlmodel_framework.runner import Step, StepContext

from dbt_runner.locks import use_locks_between_threads
from dbt_runner.parameters import EVERY_STEP, FULL_REFRESH, read_parameters
from dbt_runner.profile import connection_settings
from dbt_runner.project import Project, find_project

__all__ = ["STEPS", "prepare"]


def prepare(context: StepContext) -> Project:
    """The project that a specification means.

    Raises:
        TerminalError: there is none, or something about it, the parameters or the target is wrong.
    """
    assert context.target is not None
    parameters = read_parameters(context.spec)
    project = find_project(parameters.project, context.spec.datakit)
    connection_settings(context.target, parameters.schema or project.name)
    return project


def _run(command: str, context: StepContext) -> None:
    use_locks_between_threads()
    # dbt takes seconds to import; what does not need it works without.
    from dbt_runner.work import carry_out

    carry_out(command, context, prepare(context))


def _step(name: str, summary: str, *further: str) -> Step:
    return Step(
        name=name,
        summary=summary,
        run=partial(_run, name),
        parameters=EVERY_STEP | frozenset(further),
        prepare=prepare,
    )


STEPS = (
    _step("build", "Seeds, snapshots, models and tests, in the order of their dependencies.", FULL_REFRESH),
    _step("run", "Models.", FULL_REFRESH),
    _step("test", "Tests."),
    _step("seed", "Seeds: the project's own CSV files.", FULL_REFRESH),
    _step("snapshot", "Snapshots."),
    _step("compile", "Nothing but read the project and make its SQL."),
)
