"""Whether targets can be reached and deployed to, and what is wrong when not."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from ..engines.registry import engine_for
from ..errors import DatakitError
from .many import Outcome, on_many
from .settings import Settings, resolve_target
from .target import Target

__all__ = ["check_target", "check_targets"]


def check_target(target: Target) -> Outcome[str]:
    """Connect to a target, and ask its server what it is and whether its user may deploy.

    Returns:
        The server's name and version, or the error that stands in the way.
    """
    return on_many([target], _server)[0]


def check_targets(settings: Settings, names: Sequence[str] = ()) -> list[Outcome[str]]:
    """Check targets, several at a time; see `check_target`.

    Args:
        settings: the settings.
        names: targets, groups of them, and database URLs; by default every target, in the order of the names.

    Returns:
        An outcome for each target, in that order, also for one that cannot even be read.
    """
    found: dict[str, Target | Outcome[str]] = {}
    for name in names or sorted(settings.targets):
        for member in settings.members(name):
            try:
                found[member] = resolve_target(member) if "://" in member else settings.find(member)
            except DatakitError as error:
                found[member] = Outcome(member, None, error, 0.0)
    answers = iter(on_many([each for each in found.values() if isinstance(each, Target)], _server))
    return [next(answers) if isinstance(each, Target) else each for each in found.values()]


def _server(target: Target) -> str:
    engine = engine_for(target)
    with engine.transaction() as connection:
        connection.execute(text("SELECT 1"))
        engine.check_rights()
        return engine.server
