"""Databases of SQLite, and datakits made from SQLAlchemy's tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table
from sqlmodel_framework import Datakit, Target
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for

MakeKit = Callable[..., Datakit]


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A file that is not there yet."""
    return Target(f"sqlite:///{tmp_path / 'kept.db'}", name="kept")


@pytest.fixture(params=["file", "memory"])
def engine(request: pytest.FixtureRequest, target: Target) -> BaseEngine:
    """An engine on a new database of each kind."""
    return engine_for(target if request.param == "file" else Target("sqlite://", name="memory"))


@pytest.fixture
def kit() -> MakeKit:
    """A datakit of some tables."""

    def make(*tables: Table) -> Datakit:
        classes: Any = tuple(type(f"T{n}", (), {"__table__": table}) for n, table in enumerate(tables))
        return Datakit(name="kept", version="1", tables=classes)

    return make
