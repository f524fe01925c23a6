"""A plan applied, and a datakit deployed, against the same statements sent as one text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg2
from declared_tables import declare
from figure import Figure
from sqlmodel_framework import Target, deploy_datakit
from sqlmodel_framework.schema.applying import apply_plan
from sqlmodel_framework.schema.plan import read_plan
from sqlmodel_framework.schema.planning import plan_datakit
from sqlmodel_framework.testing.plugin import fresh_database
from turns import seconds, smallest

__all__ = ["cold"]


def cold(server: Target, tables: int, times: int) -> Iterator[Figure]:
    """Into an empty database: a saved plan applied, and everything from classes just declared."""
    datakit = declare(tables)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan.json")
        with fresh_database(server) as target:
            plan_datakit(datakit, target).save(file)
        statements = ";\n".join(step.sql for step in read_plan(file).steps())

        def plain() -> float:
            with fresh_database(server) as target:
                return seconds(lambda: execute(target, statements))

        def applied() -> float:
            with fresh_database(server) as target:
                return seconds(lambda: apply_plan(read_plan(file), target, datakit=replace(datakit)))

        def deployed() -> float:
            fresh = declare(tables)
            with fresh_database(server) as target:
                return seconds(lambda: deploy_datakit(fresh, target))

        plain_seconds, apply_seconds, deploy_seconds = smallest(times, plain, applied, deployed)
    yield Figure("cold_apply", round(apply_seconds / plain_seconds, 2), "", 1.3)
    yield Figure("cold_deploy", round(deploy_seconds / plain_seconds, 2), "", 2.0)


def execute(target: Target, statements: str) -> None:
    """Send a text in one go, in one transaction."""
    url = target.secret_url()
    connection = psycopg2.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False),
    )
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statements)
    finally:
        connection.close()
