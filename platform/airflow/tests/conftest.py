"""An Airflow of its own for these tests: its settings have to be there before it is imported."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="datakit-airflow-tests-"))
DAGS = HOME / "dags"
DAGS.mkdir()

os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "logs"),
    }
)
os.environ.pop("DATAKIT_AIRFLOW_CONFIG", None)

sys.path.insert(0, str(Path(__file__).parent))

from kit.fixtures import airflow_database as airflow_database
from kit.fixtures import orchard as orchard
from kit.fixtures import shop as shop


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)
