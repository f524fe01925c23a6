"""What the tests share; an Airflow of their own comes first."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kit.fixtures import airflow_database as airflow_database
from kit.fixtures import orchard as orchard
from kit.home import HOME


def pytest_configure(config: pytest.Config) -> None:
    """Docker's client leaves a socket that it could not connect to the garbage collector."""
    config.addinivalue_line("filterwarnings", "ignore:unclosed <socket:ResourceWarning")


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
