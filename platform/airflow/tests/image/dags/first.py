"""A DAG that the image's test runs: what its task returns is found in the database of Airflow."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.sdk import dag, task


@dag(schedule="@once", start_date=datetime(2026, 1, 1, tzinfo=UTC))
def first() -> None:
    """One task."""

    @task
    def who() -> int:
        """The id of the user that tasks run as."""
        return os.getuid()

    who()


first()
