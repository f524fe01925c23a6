"""What a specification says to dbt: parameters, checked before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.runs.spec import RunSpec, Window

__all__ = ["EVERY_STEP", "FULL_REFRESH", "Parameters", "read_parameters"]

EVERY_STEP = frozenset({"project", "select", "exclude", "vars", "threads", "schema"})
"""The parameters of every step."""

FULL_REFRESH = "full_refresh"
"""The parameter of the steps that fill tables."""

DEFAULT_PROJECT = "/dbt"
DEFAULT_THREADS = 4
MOST_THREADS = 64
WINDOW_VARS = ("window_start", "window_end")


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """What dbt is told.

    Attributes:
        project: a folder, or `package:folder`.
        select: selectors of dbt; empty for everything.
        exclude: selectors of what is left out.
        vars: the project's variables.
        full_refresh: whether incremental models and seeds are made anew.
        threads: how many nodes are worked on at a time, from 1 to 64.
        schema: where models go that name no schema; None for the project's name.
    """

    project: str = DEFAULT_PROJECT
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    vars: Mapping[str, JsonValue] = field(default_factory=dict)
    full_refresh: bool = False
    threads: int = DEFAULT_THREADS
    schema: str | None = None


def read_parameters(spec: RunSpec) -> Parameters:
    """The parameters of a specification, and its window as variables.

    Raises:
        TerminalError: one has the wrong type or a value that cannot be meant.
    """
    given = spec.parameters
    return Parameters(
        project=_text(given, "project") or DEFAULT_PROJECT,
        select=_selectors(given, "select"),
        exclude=_selectors(given, "exclude"),
        vars=_vars(given, spec.window),
        full_refresh=_yes_or_no(given, FULL_REFRESH),
        threads=_threads(given),
        schema=_text(given, "schema"),
    )


def _text(given: Mapping[str, JsonValue], name: str) -> str | None:
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise _wrong(name, value, "a text of one line with something in it")
    return value


def _selectors(given: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    value = given.get(name)
    if value is None:
        return ()
    selectors = value if isinstance(value, list) else [value]
    for selector in selectors:
        if not isinstance(selector, str) or not selector.strip():
            raise _wrong(name, value, "a selector of dbt, or a list of selectors")
        if selector.lstrip().startswith("-"):
            # It would be read as an option of dbt's command line.
            raise _wrong(name, value, "a selector of dbt, which never begins with '-'")
    if not selectors:
        raise _wrong(name, value, "a list with a selector in it; leave it out to select everything")
    return tuple(str(selector) for selector in selectors)


def _vars(given: Mapping[str, JsonValue], window: Window | None) -> dict[str, JsonValue]:
    value = given.get("vars")
    if value is not None and not isinstance(value, dict):
        raise _wrong("vars", value, "a mapping from the names of variables to values")
    variables: dict[str, JsonValue] = dict(value or {})
    if window is None:
        return variables
    for name, moment in zip(WINDOW_VARS, (window.start, window.end), strict=True):
        if name in variables:
            raise TerminalError(
                f"the parameter 'vars' gives {name!r}, which the window gives as well",
                hint="keep one of them",
            )
        variables[name] = moment.isoformat()
    return variables


def _yes_or_no(given: Mapping[str, JsonValue], name: str) -> bool:
    value = given.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise _wrong(name, value, "true or false")


def _threads(given: Mapping[str, JsonValue]) -> int:
    value = given.get("threads")
    if value is None:
        return DEFAULT_THREADS
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_THREADS:
        return value
    raise _wrong("threads", value, f"a whole number from 1 to {MOST_THREADS}")


def _wrong(name: str, value: JsonValue, expected: str) -> TerminalError:
    return TerminalError(f"the parameter {name!r} is {value!r}, not {expected}")
