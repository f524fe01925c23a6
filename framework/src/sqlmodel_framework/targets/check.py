"""Whether targets can be reached and deployed to, and what is wrong when not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import URL

from ..engines.base import BaseEngine
from ..engines.registry import engine_for
from ..errors import DatakitError
from .many import Outcome, on_many
from .settings import Settings, resolve_target
from .target import Target

__all__ = ["ConnectionTest", "check_targets", "test_connection"]


@dataclass(frozen=True)
class ConnectionTest(Outcome[str]):
    """What came of a connection to a target; as text one line.

    Attributes:
        target: the target's name.
        value: the server's name and version; None when it failed.
        error: why it failed, or None; to be raised where that is wanted. It holds no secret.
        seconds: how long it took.
    """

    @property
    def ok(self) -> bool:
        """Whether the target answers, and all that was asked for is as it should be."""
        return self.error is None

    @property
    def server(self) -> str | None:
        """What answers, such as `postgresql 18.0`."""
        return self.value

    @property
    def reason(self) -> str | None:
        """Why not, and what to do about it, in one line."""
        if self.error is None:
            return None
        return f"{self.error.message} ({self.error.hint})" if self.error.hint else self.error.message

    def __str__(self) -> str:
        return f"{self.target}: {self.reason or f'ok, {self.server}'}"


def test_connection(
    target: Target | URL | str,
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,  # noqa: PT028
    may_deploy: bool = True,  # noqa: PT028
) -> ConnectionTest:
    """Connect to a target, and ask its server what it is and whether its user may deploy.

    Whatever is wrong with a target is told and not raised: that there is none of that name, its URL, its
    password, the driver, the host, the port, the time, TLS, the user, the database, the user's rights, the
    server's version.

    Args:
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own; by default the one for the URL's dialect.
        may_deploy: whether the user must be allowed to deploy; a database that is only read needs no more
            than to answer.
    """
    try:
        found = resolve_target(target)
    except DatakitError as error:
        return ConnectionTest(_called(target), None, error, 0.0)
    return _tested([found], engine, may_deploy=may_deploy)[0]


# Not a test, whatever its name makes of it where a module of tests imports it.
test_connection.__test__ = False  # type: ignore[attr-defined]


def check_targets(settings: Settings, names: Sequence[str] = ()) -> list[ConnectionTest]:
    """Check targets, several at a time; see `test_connection`.

    Args:
        settings: the settings.
        names: targets, groups of them, and database URLs; by default every target, in the order of the names.

    Returns:
        What came of each target, in that order, also of one that cannot even be read.
    """
    found: dict[str, Target | ConnectionTest] = {}
    for name in names or sorted(settings.targets):
        for member in settings.members(name):
            try:
                found[member] = resolve_target(member) if "://" in member else settings.find(member)
            except DatakitError as error:
                found[member] = ConnectionTest(_called(member), None, error, 0.0)
    answers = iter(_tested([each for each in found.values() if isinstance(each, Target)]))
    return [next(answers) if isinstance(each, Target) else each for each in found.values()]


def _tested(
    targets: Sequence[Target],
    engine: BaseEngine | type[BaseEngine] | None = None,
    *,
    may_deploy: bool = True,
) -> list[ConnectionTest]:
    outcomes = on_many(targets, lambda target: _server(engine_for(target, engine), may_deploy=may_deploy))
    return [ConnectionTest(each.target, each.value, each.error, each.seconds) for each in outcomes]


def _server(engine: BaseEngine, *, may_deploy: bool) -> str:
    with engine.transaction() as connection:
        connection.execute(text("SELECT 1"))
        if may_deploy:
            engine.check_rights()
        return engine.server


def _called(target: object) -> str:
    """What a target is called that could not be read; a URL may hold a password, so it is not repeated."""
    return target if isinstance(target, str) and "://" not in target else "the given target"
