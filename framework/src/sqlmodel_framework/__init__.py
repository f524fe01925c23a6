"""Typed tables, deployed and loaded: the everyday names of `sqlmodel-framework`.

The names are imported when first used, so `import sqlmodel_framework` stays light: no database
driver, no data frame library and no command line library is imported with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base.datakit import Check, Datakit
    from .base.declarations import Allow, RenameColumn, RenameTable, Rows, View
    from .base.fields import Indexed, array_of, column, json_type, sql_type
    from .base.models import (
        BaseMixin,
        BronzeTableMixin,
        ReferenceTableMixin,
        TemporalTableMixin,
        TransactionalTableMixin,
    )
    from .base.partitions import Partitions
    from .checks import accepted_values, fresh, not_null, references, row_count, table_checks, unique
    from .engines.base import BaseEngine
    from .errors import DatakitError, InvalidRowError, RefusedChangesError, TerminalError, TransientError
    from .factories import fill, make_history, make_rows
    from .history import as_of, changes_between, history_of
    from .loading.load import Load, load_with_transform
    from .loading.modes import Append, DeleteInsert, History, InsertOnly, Merge, Replace
    from .loading.rules import Coerce, Reference, Unique
    from .loading.sources import (
        ArrowSource,
        CsvSource,
        DatabaseSource,
        DltSource,
        JsonLinesSource,
        ParquetSource,
        QuerySource,
        RowSource,
        TableSource,
        TransformedSource,
    )
    from .loading.watermark import Watermark
    from .runs.describing import describe
    from .runs.description import Description, read_description
    from .runs.result import ReportContext, RunResult
    from .runs.run import run_datakit
    from .schema.adopting import adopt
    from .schema.applying import apply_plan
    from .schema.drift import find_drift
    from .schema.planning import plan_datakit
    from .schema.rollback import rollback_datakit
    from .targets.check import ConnectionTest, test_connection
    from .targets.many import on_many
    from .targets.pool import shared_pool
    from .targets.settings import resolve_targets
    from .targets.target import Target
    from .utils.deployment import deploy_datakit
    from .verify.result import Verification
    from .verify.verify import verify_datakit

__version__ = "0.1.0"

_HOME = {
    "Allow": "base.declarations",
    "Append": "loading.modes",
    "ArrowSource": "loading.sources",
    "BaseEngine": "engines.base",
    "BaseMixin": "base.models",
    "BronzeTableMixin": "base.models",
    "Check": "base.datakit",
    "Coerce": "loading.rules",
    "ConnectionTest": "targets.check",
    "CsvSource": "loading.sources",
    "DatabaseSource": "loading.sources",
    "Datakit": "base.datakit",
    "DatakitError": "errors",
    "DeleteInsert": "loading.modes",
    "Description": "runs.description",
    "DltSource": "loading.sources",
    "History": "loading.modes",
    "Indexed": "base.fields",
    "InsertOnly": "loading.modes",
    "InvalidRowError": "errors",
    "JsonLinesSource": "loading.sources",
    "Load": "loading.load",
    "Merge": "loading.modes",
    "ParquetSource": "loading.sources",
    "Partitions": "base.partitions",
    "QuerySource": "loading.sources",
    "Reference": "loading.rules",
    "ReferenceTableMixin": "base.models",
    "RefusedChangesError": "errors",
    "RenameColumn": "base.declarations",
    "RenameTable": "base.declarations",
    "Replace": "loading.modes",
    "ReportContext": "runs.result",
    "RowSource": "loading.sources",
    "Rows": "base.declarations",
    "RunResult": "runs.result",
    "TableSource": "loading.sources",
    "Target": "targets.target",
    "TemporalTableMixin": "base.models",
    "TerminalError": "errors",
    "TransactionalTableMixin": "base.models",
    "TransformedSource": "loading.sources",
    "TransientError": "errors",
    "Unique": "loading.rules",
    "Verification": "verify.result",
    "View": "base.declarations",
    "Watermark": "loading.watermark",
    "accepted_values": "checks",
    "adopt": "schema.adopting",
    "apply_plan": "schema.applying",
    "array_of": "base.fields",
    "as_of": "history",
    "changes_between": "history",
    "column": "base.fields",
    "deploy_datakit": "utils.deployment",
    "describe": "runs.describing",
    "fill": "factories",
    "find_drift": "schema.drift",
    "fresh": "checks",
    "history_of": "history",
    "json_type": "base.fields",
    "load_with_transform": "loading.load",
    "make_history": "factories",
    "make_rows": "factories",
    "not_null": "checks",
    "on_many": "targets.many",
    "plan_datakit": "schema.planning",
    "read_description": "runs.description",
    "references": "checks",
    "resolve_targets": "targets.settings",
    "rollback_datakit": "schema.rollback",
    "row_count": "checks",
    "run_datakit": "runs.run",
    "shared_pool": "targets.pool",
    "sql_type": "base.fields",
    "table_checks": "checks",
    "test_connection": "targets.check",
    "unique": "checks",
    "verify_datakit": "verify.verify",
}

__all__ = [
    "Allow",
    "Append",
    "ArrowSource",
    "BaseEngine",
    "BaseMixin",
    "BronzeTableMixin",
    "Check",
    "Coerce",
    "ConnectionTest",
    "CsvSource",
    "DatabaseSource",
    "Datakit",
    "DatakitError",
    "DeleteInsert",
    "Description",
    "DltSource",
    "History",
    "Indexed",
    "InsertOnly",
    "InvalidRowError",
    "JsonLinesSource",
    "Load",
    "Merge",
    "ParquetSource",
    "Partitions",
    "QuerySource",
    "Reference",
    "ReferenceTableMixin",
    "RefusedChangesError",
    "RenameColumn",
    "RenameTable",
    "Replace",
    "ReportContext",
    "RowSource",
    "Rows",
    "RunResult",
    "TableSource",
    "Target",
    "TemporalTableMixin",
    "TerminalError",
    "TransactionalTableMixin",
    "TransformedSource",
    "TransientError",
    "Unique",
    "Verification",
    "View",
    "Watermark",
    "__version__",
    "accepted_values",
    "adopt",
    "apply_plan",
    "array_of",
    "as_of",
    "changes_between",
    "column",
    "deploy_datakit",
    "describe",
    "fill",
    "find_drift",
    "fresh",
    "history_of",
    "json_type",
    "load_with_transform",
    "make_history",
    "make_rows",
    "not_null",
    "on_many",
    "plan_datakit",
    "read_description",
    "references",
    "resolve_targets",
    "rollback_datakit",
    "row_count",
    "run_datakit",
    "shared_pool",
    "sql_type",
    "table_checks",
    "test_connection",
    "unique",
    "verify_datakit",
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
