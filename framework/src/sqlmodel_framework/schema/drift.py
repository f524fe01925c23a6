"""Drift: what changed in a target since its datakit was deployed, by whatever hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from ..engines.registry import engine_for
from ..errors import TerminalError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .declared import scope_of
from .difference import differences
from .planning import in_words, recorded_of
from .reconciling import own_part
from .record import snapshot_of

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["Drift", "find_drift"]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """What is not as the latest deployment left it.

    Attributes:
        datakit: the datakit's name.
        target: the target's name.
        differences: one line for each object that is not as it was deployed.
        undeclared: what is there in the datakit's schemas and belongs to no datakit, in words.
    """

    datakit: str
    target: str
    differences: tuple[str, ...]
    undeclared: tuple[str, ...]

    @property
    def drifted(self) -> bool:
        """Whether anything that was deployed has changed."""
        return bool(self.differences)


def find_drift(
    datakit: str,
    target: Target | URL | str,
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Drift:
    """Compare a target with what the ledger recorded; the datakit itself need not be installed.

    Args:
        datakit: the datakit's name.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own; by default the one for the URL's dialect.

    Raises:
        TerminalError: this datakit was never deployed there, or the ledger is lost.
    """
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction():
        recorded = recorded_of(used, datakit)
        if not recorded.shapes:
            raise TerminalError(
                f"target {used.target.name} has no record of a deployment of datakit {datakit!r}",
                hint="deploy the datakit first",
                target=used.target.name,
            )
        deployed = snapshot_of(recorded.shapes)
        live = used.read_snapshot(scope_of(deployed))
    found = own_part(live, deployed, recorded)
    return Drift(
        datakit=datakit,
        target=used.target.name,
        differences=tuple(each.in_words("deployed") for each in differences(found.have, found.want)),
        undeclared=tuple(in_words(*each) for each in found.undeclared),
    )
