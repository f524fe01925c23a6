"""Fixtures that several modules use."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework.runs.description import Description

from .described import SHOP, write

if TYPE_CHECKING:
    from .orchard import Orchard


@pytest.fixture
def shop() -> Description:
    return SHOP


@pytest.fixture(scope="session")
def airflow_database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def orchard(airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchard]:
    from .orchard import CONNECTION, PASSWORD, make_orchard

    dags = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    write(SHOP, dags)
    connection = {
        "conn_type": "postgres",
        "host": "db.example",
        "login": "loader",
        "password": PASSWORD,
        "schema": "shop",
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))
    made = make_orchard(dags, tmp_path)
    yield made
    for path in dags.iterdir():
        if path.is_file():
            path.unlink()
