"""Which databases a run reads, where sources only name them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..base.datakit import Datakit
from ..errors import TerminalError
from ..loading.sources import DatabaseSource, OutsideSource, Source, TransformedSource
from ..targets.target import Target

if TYPE_CHECKING:
    from ..loading.load import Load

__all__ = ["named_database", "with_databases"]


def named_database(source: Source) -> str | None:
    """The name that a source gives for the database that it reads, or None where it names none."""
    match source:
        case DatabaseSource(target=str(name)):
            return name
        case TransformedSource(of=of):
            return named_database(of)
    return None


def with_databases(
    datakit: Datakit, loads: Collection[Load], databases: Mapping[str, Target] | None
) -> Datakit:
    """A datakit some of whose loads know the databases that they read.

    Args:
        datakit: the datakit.
        loads: those of its loads that are to know it; the others stay as they are.
        databases: databases by name; others are looked up in the settings.

    Raises:
        TerminalError: no source names a database that is given.
        TargetError: a database is neither given nor in the settings.
    """
    databases = databases or {}
    names = {name for load in datakit.loads if (name := named_database(load.source)) is not None}
    if unknown := sorted(set(databases) - names):
        raise TerminalError(
            f"no load of datakit {datakit.name!r} reads a database that is called {unknown[0]!r}",
            hint=f"its sources name: {', '.join(sorted(names)) or 'none'}",
        )
    chosen = {id(load) for load in loads}
    found = tuple(_knowing(load, databases) if id(load) in chosen else load for load in datakit.loads)
    return replace(datakit, loads=found)


def _knowing(load: Load, databases: Mapping[str, Target]) -> Load:
    source = load.source
    if not isinstance(source, OutsideSource) or named_database(source) is None:
        return load
    return replace(load, source=_found(source, databases))


def _found(source: OutsideSource, databases: Mapping[str, Target]) -> OutsideSource:
    match source:
        case DatabaseSource(target=str(name)):
            return replace(source, target=databases.get(name) or source.database)
        case TransformedSource(of=of):
            return replace(source, of=_found(of, databases))
    return source
