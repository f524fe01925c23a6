"""Runs datakits in Airflow: one declaration, a container for each step, pinned to digests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .dag import DatakitDag, datakit_task_group
    from .declaration import Declaration, read_declaration
    from .environment import Environment, read_environment
    from .factory import warehouses

__version__ = "0.1.0"

__all__ = [
    "DatakitDag",
    "Declaration",
    "Environment",
    "datakit_task_group",
    "read_declaration",
    "read_environment",
    "warehouses",
]

_WHERE = {
    "DatakitDag": "dag",
    "Declaration": "declaration",
    "Environment": "environment",
    "datakit_task_group": "dag",
    "read_declaration": "declaration",
    "read_environment": "environment",
    "warehouses": "factory",
}


def __getattr__(name: str) -> Any:
    """The public names, imported when they are used."""
    from importlib import import_module

    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .airflow_version import require_airflow

    # Before anything is imported that an older one does not have.
    require_airflow()
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)
