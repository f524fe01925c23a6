"""What went wrong in dbt, and whether a retry can help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import psycopg2
from dbt.adapters.exceptions.connection import FailedToConnectError
from dbt_common.exceptions import DbtBaseException
from sqlalchemy.exc import DBAPIError
from sqlmodel_framework.engines.postgres.errors import translate as translate_postgres
from sqlmodel_framework.errors import (
    ContractError,
    DatakitError,
    TerminalError,
    TransientError,
    UnavailableError,
)
from sqlmodel_framework.targets.target import Target

from dbt_runner import sqlserver
from dbt_runner.nodes import Manifest, NodeResult

__all__ = ["error_of_results", "error_of_run"]

_DEPS = re.compile(r"\bdbt deps\b")
# Where dbt wrote the statement: a folder that is gone when somebody reads this.
_COMPILED = re.compile(r"\s*compiled code at .*", re.DOTALL)
_MOST_TOLD = 3


def error_of_run(error: BaseException, target: Target) -> BaseException:
    """What an error means that ended dbt as a whole: a project that cannot be read, or a lost database."""
    found = _of_database(error, target)
    if found is not None:
        return found
    if isinstance(error, FailedToConnectError):
        return UnavailableError(f"target {target.name} cannot be reached: {error}", target=target.name)
    if isinstance(error, DbtBaseException):
        hint = "this runner downloads nothing: run `dbt deps` where the project is made"
        text = target.mask(str(error))
        return TerminalError(f"dbt: {text}", hint=hint if _DEPS.search(text) else None)
    return error


def error_of_results(
    results: Iterable[NodeResult],
    cause: Callable[[NodeResult], BaseException | None],
    manifest: Manifest,
    target: Target,
) -> DatakitError | None:
    """What the nodes that failed amount to, or None where all is well.

    A mistake that no retry mends counts more than a database that went away meanwhile.
    """
    found = [
        _of_node(result, cause(result), manifest, target)
        for result in results
        if result.status in ("error", "runtime error", "fail", "partial success")
    ]
    if not found:
        return None
    terminal = [error for error in found if not isinstance(error, TransientError)]
    first, *others = terminal or found
    told = [first.message, *(error.message for error in others[: _MOST_TOLD - 1])]
    if len(others) >= _MOST_TOLD:
        told.append(f"and {len(others) - _MOST_TOLD + 1} more")
    return type(first)("; ".join(told), hint=first.hint, target=target.name)


def _of_node(
    result: NodeResult, cause: BaseException | None, manifest: Manifest, target: Target
) -> DatakitError:
    what = f"{manifest.kind(result.node)} {manifest.name(result.node)!r}"
    if result.status == "fail":
        return ContractError(f"{what} found {result.failures}")
    found = _of_database(cause, target) if cause is not None else None
    if found is None and isinstance(cause, FailedToConnectError):
        found = UnavailableError(f"target {target.name} cannot be reached: {cause}")
    if found is not None:
        return type(found)(f"{what} ({manifest.file(result.node)}): {found.message}", hint=found.hint)
    message = _COMPILED.sub("", result.message or "it failed without a word")
    return TerminalError(f"{what}: {target.mask(message)}")


def _of_database(error: BaseException, target: Target) -> DatakitError | None:
    """What the database's own error means, if there is one behind this one."""
    connecting = isinstance(error, FailedToConnectError)
    for one in _behind(error):
        if isinstance(one, psycopg2.Error):
            if one.pgcode is None and not isinstance(
                one, psycopg2.OperationalError | psycopg2.InterfaceError
            ):
                return None  # the driver did not even send it
            return translate_postgres(DBAPIError(None if connecting else "", {}, one), target)
        if type(one).__module__ == "pyodbc":
            return sqlserver.translate(one, target, connecting=connecting)
    return None


def _behind(error: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = error
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__
