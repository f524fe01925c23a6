"""Which Airflow this package works with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version
from sqlmodel_framework.errors import UnsupportedVersionError

__all__ = ["OLDEST_AIRFLOW", "require_airflow"]

OLDEST_AIRFLOW = "3.3"
"""The first with a task state store, in which a DagRun keeps what it was started with."""


def require_airflow(found: str | None = None) -> None:
    """Refuse an Airflow that is too old.

    Args:
        found: its version; by default that of the one that is installed.

    Raises:
        UnsupportedVersionError: it is older, or there is none.
    """
    if found is None:
        try:
            found = version("apache-airflow-core")
        except PackageNotFoundError:
            # Before 3.0 it came in one piece.
            try:
                found = version("apache-airflow")
            except PackageNotFoundError:
                found = "none"
    if found == "none" or Version(found).release < Version(OLDEST_AIRFLOW).release:
        raise UnsupportedVersionError(
            f"datakit-airflow needs Airflow {OLDEST_AIRFLOW} or later, and this is {found}",
            found=found,
            oldest=OLDEST_AIRFLOW,
            target="airflow",
        )
