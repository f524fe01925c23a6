"""A small dbt project to be spoilt, and a real database."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.testing.plugin import datakit_server as datakit_server
from sqlmodel_framework.testing.plugin import fresh_database

sys.path.insert(0, str(Path(__file__).parent))

from kit.odbc import LAYER, use_driver_of_image
from kit.runs import STALL

if LAYER in os.environ:
    use_driver_of_image()


@pytest.fixture
def database(datakit_server: Target) -> Iterator[Target]:
    with fresh_database(datakit_server) as target:
        yield target


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to be spoilt."""
    return Path(shutil.copytree(STALL, tmp_path / "stall", copy_function=shutil.copy))


@pytest.fixture
def query(database: Target) -> Callable[[str], list[tuple[Any, ...]]]:
    def query(sql: str) -> list[tuple[Any, ...]]:
        url = database.secret_url()
        connection = psycopg2.connect(host=url.query["host"], user=url.username, dbname=url.database)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(sql)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    return query


@pytest.fixture
def specification(database: Target, project: Path) -> Callable[..., dict[str, Any]]:
    """A specification for the project and the database."""

    def specification(step: str = "build", **parameters: Any) -> dict[str, Any]:
        url = database.url
        target = {
            "name": "warehouse",
            "url": f"postgresql://{url.username}@/{url.database}?host={url.query['host']}",
            "password_env": "STALL_PASSWORD",
        }
        return {
            "run_id": str(uuid4()),
            "datakit": "stall",
            "step": step,
            "target": target,
            "parameters": {"project": str(project), "schema": "gold"} | parameters,
        }

    return specification
