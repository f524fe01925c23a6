"""Is the database there? Asked before dbt starts, once or until it is."""

from __future__ import annotations

from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.targets.target import Target

from dbt_runner import sqlserver
from dbt_runner.profile import password_of

__all__ = ["connect_once"]


def connect_once(target: Target) -> None:
    """Connect to a target, and hang up.

    Raises:
        TargetError: it refuses, or its settings are wrong.
        UnavailableError: it is not there.
    """
    if target.dialect == "mssql":
        sqlserver.connect(target, password_of(target))
        return
    with engine_for(target).connect():
        pass
