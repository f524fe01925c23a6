"""Fixtures that several modules use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .described import SHOP, write
from .home import DAGS

if TYPE_CHECKING:
    from .orchard import Orchard


@pytest.fixture(scope="session")
def airflow_database() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture
def orchard(airflow_database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Orchard]:
    from .orchard import CONNECTION, PASSWORD, make_orchard

    write(SHOP, DAGS)
    connection = {
        "conn_type": "postgres",
        "host": "db.example",
        "login": "loader",
        "password": PASSWORD,
        "schema": "shop",
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))
    made = make_orchard(DAGS, tmp_path)
    yield made
    for path in DAGS.iterdir():
        if path.is_file():
            path.unlink()
