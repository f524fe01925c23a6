"""Which engine serves which kind of database."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from ..errors import TerminalError
from ..targets.target import Target
from .base import BaseEngine

__all__ = ["engine_for"]

GROUP = "sqlmodel_framework.engines"
_BUILT_IN = {
    "mariadb": ("sqlmodel_framework.engines.mariadb.engine", "MariadbEngine"),
    "postgresql": ("sqlmodel_framework.engines.postgres.engine", "PostgresEngine"),
    "sqlite": ("sqlmodel_framework.engines.sqlite.engine", "SqliteEngine"),
}
# An engine that is installed goes before these: the runner that reads from such servers brings its own.
_OTHERWISE = {"mssql": ("sqlmodel_framework.engines.sqlserver.engine", "SqlServerEngine")}


def engine_for(target: Target, engine: BaseEngine | type[BaseEngine] | None = None) -> BaseEngine:
    """An engine that is bound to a target.

    Args:
        target: the target.
        engine: an engine of the caller's own, an instance or a class; by default the one for the
            dialect of the target's URL.

    Raises:
        TerminalError: there is no engine for this dialect, or there are several.
    """
    if engine is None:
        engine = _find(target.dialect)
    instance = engine() if isinstance(engine, type) else engine
    instance.bind(target)
    return instance


def _find(dialect: str) -> type[BaseEngine]:
    if dialect in _BUILT_IN:
        return _built_in(dialect, *_BUILT_IN[dialect])
    points = entry_points(group=GROUP)
    named = [point for point in points if point.name == dialect]
    if len(named) > 1:
        packages = ", ".join(sorted(point.value for point in named))
        raise TerminalError(f"several engines for {dialect!r} are installed: {packages}", hint="keep one")
    if not named and dialect in _OTHERWISE:
        return _built_in(dialect, *_OTHERWISE[dialect])
    if not named:
        known = ", ".join(sorted({*_BUILT_IN, *_OTHERWISE, *(point.name for point in points)}))
        raise TerminalError(f"there is no engine for {dialect!r} databases", hint=f"there are: {known}")
    try:
        loaded = named[0].load()
    except Exception as error:
        raise TerminalError(
            f"the engine for {dialect!r} ({named[0].value}) cannot be imported: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, BaseEngine)):
        raise TerminalError(f"the engine for {dialect!r} ({named[0].value}) is not a subclass of BaseEngine")
    return loaded


def _built_in(dialect: str, module: str, name: str) -> type[BaseEngine]:
    try:
        found: type[BaseEngine] = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        raise TerminalError(
            f"the driver for {dialect!r} databases is missing: {error}",
            hint=f"install sqlmodel-framework[{dialect}]",
        ) from error
    return found
