"""What these tests share; an Airflow of their own comes first."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import kit.home  # noqa: F401 - before Airflow is imported
import pytest
from datakit_testing import Database
from kit.docked import connection
from kit.docked_fixtures import database as database
from kit.docked_fixtures import docked as docked
from kit.docked_fixtures import sigterm as sigterm
from kit.docked_fixtures import usual as usual

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def warehouse(database: Database) -> Iterator[str]:
    """A connection to a database of this test alone."""
    with connection("market_warehouse", database) as name:
        yield name
