"""Which Airflow this package works with."""

from __future__ import annotations

from functools import cache
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
    found = _installed() if found is None else found
    if found == "none" or Version(found).release < Version(OLDEST_AIRFLOW).release:
        raise UnsupportedVersionError(
            f"datakit-airflow needs Airflow {OLDEST_AIRFLOW} or later, and this is {found}",
            found=found,
            oldest=OLDEST_AIRFLOW,
            target="airflow",
        )


@cache
def _installed() -> str:
    # Before 3.0 it came in one piece.
    for distribution in ("apache-airflow-core", "apache-airflow"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "none"
