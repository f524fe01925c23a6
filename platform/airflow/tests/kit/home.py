"""An Airflow of its own for these tests: its settings have to be there before it is imported."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["DAGS", "HOME"]

HOME = Path(tempfile.mkdtemp(prefix="datakit-airflow-tests-"))
DAGS = HOME / "dags"
DAGS.mkdir()

os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret of these tests, as long as its algorithm wants it to be",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "logs"),
    }
)
os.environ.pop("DATAKIT_AIRFLOW_CONFIG", None)
