"""What these tests share; an Airflow of their own comes first."""

from __future__ import annotations

import sys
from pathlib import Path

import kit.home  # noqa: F401 - before Airflow is imported
from kit.docked_fixtures import docked as docked
from kit.docked_fixtures import sigterm as sigterm
from kit.docked_fixtures import usual as usual

sys.path.insert(0, str(Path(__file__).parent))
