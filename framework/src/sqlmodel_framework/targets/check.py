"""Whether targets can be reached, and what is wrong when not."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from ..engines.registry import engine_for
from ..errors import DatakitError
from .settings import Settings
from .target import Target

__all__ = ["TargetCheck", "check_target", "check_targets"]


@dataclass(frozen=True)
class TargetCheck:
    """One target: what its server says it is, or the error that stands in the way."""

    name: str
    server: str | None
    error: DatakitError | None


def check_target(target: Target) -> TargetCheck:
    """Connect to a target and ask its server for its name and version."""
    try:
        with engine_for(target).transaction() as connection:
            version = ".".join(str(part) for part in connection.dialect.server_version_info or ())
            connection.execute(text("SELECT 1"))
            return TargetCheck(target.name, f"{connection.dialect.name} {version}", None)
    except DatakitError as error:
        return TargetCheck(target.name, None, error)


def check_targets(settings: Settings) -> list[TargetCheck]:
    """Check every target of the settings, in the order of their names."""
    checks = []
    for name in sorted(settings.targets):
        try:
            checks.append(check_target(settings.find(name)))
        except DatakitError as error:
            checks.append(TargetCheck(name, None, error))
    return checks
