"""A DAG that the image's test runs: what its task returns is found in the database of Airflow."""

from __future__ import annotations

import os

from airflow.sdk import dag, task


@dag(schedule=None)
def first() -> None:
    """One task."""

    @task
    def who() -> int:
        """The id of the user that tasks run as."""
        return os.getuid()

    who()


first()
