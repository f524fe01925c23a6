"""Typed tables, deployed and loaded: the everyday names of `sqlmodel-framework`.

The names are imported when first used, so `import sqlmodel_framework` stays light: no database
driver, no data frame library and no command line library is imported with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base.datakit import Check, Datakit
    from .base.models import (
        BaseMixin,
        BronzeTableMixin,
        ReferenceTableMixin,
        TemporalTableMixin,
        TransactionalTableMixin,
    )
    from .engines.base import BaseEngine
    from .errors import DatakitError, TerminalError, TransientError
    from .history import as_of, changes_between, history_of
    from .loading.load import Load
    from .loading.rules import Reference, Unique
    from .loading.sources import CsvSource, QuerySource, TableSource
    from .runs.result import ReportContext, RunResult
    from .runs.run import run_datakit
    from .targets.target import Target
    from .utils.deployment import deploy_datakit

__version__ = "0.1.0"

_HOME = {
    "BaseEngine": "engines.base",
    "BaseMixin": "base.models",
    "BronzeTableMixin": "base.models",
    "Check": "base.datakit",
    "CsvSource": "loading.sources",
    "Datakit": "base.datakit",
    "DatakitError": "errors",
    "Load": "loading.load",
    "QuerySource": "loading.sources",
    "Reference": "loading.rules",
    "ReferenceTableMixin": "base.models",
    "ReportContext": "runs.result",
    "RunResult": "runs.result",
    "TableSource": "loading.sources",
    "Target": "targets.target",
    "TemporalTableMixin": "base.models",
    "TerminalError": "errors",
    "TransactionalTableMixin": "base.models",
    "TransientError": "errors",
    "Unique": "loading.rules",
    "as_of": "history",
    "changes_between": "history",
    "deploy_datakit": "utils.deployment",
    "history_of": "history",
    "run_datakit": "runs.run",
}

__all__ = [
    "BaseEngine",
    "BaseMixin",
    "BronzeTableMixin",
    "Check",
    "CsvSource",
    "Datakit",
    "DatakitError",
    "Load",
    "QuerySource",
    "Reference",
    "ReferenceTableMixin",
    "ReportContext",
    "RunResult",
    "TableSource",
    "Target",
    "TemporalTableMixin",
    "TerminalError",
    "TransactionalTableMixin",
    "TransientError",
    "Unique",
    "__version__",
    "as_of",
    "changes_between",
    "deploy_datakit",
    "history_of",
    "run_datakit",
]


def __getattr__(name: str) -> Any:
    """Import a public name from the module that holds it (PEP 562)."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
