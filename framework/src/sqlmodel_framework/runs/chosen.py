"""Which of a datakit's loads a run was asked for."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..base.datakit import Datakit
from ..errors import TerminalError

if TYPE_CHECKING:
    from ..loading.load import Load

__all__ = ["chosen_loads"]


def chosen_loads(datakit: Datakit, ids: Collection[str] | None) -> tuple[Load, ...]:
    """The loads with these ids, in declared order; without ids, all of them.

    Args:
        datakit: the datakit.
        ids: each `layer.name`.

    Raises:
        TerminalError: the datakit has no load of one of them, or there is none among them.
    """
    if ids is None:
        return datakit.loads
    has = f"it has: {', '.join(load.id for load in datakit.loads) or 'none'}"
    if isinstance(ids, str) or not ids:
        raise TerminalError(
            f"datakit {datakit.name!r}: no load is chosen", hint=f"name some, as a list; {has}"
        )
    unknown = sorted(set(ids) - {load.id for load in datakit.loads})
    if unknown:
        raise TerminalError(f"datakit {datakit.name!r} has no load {unknown[0]!r}", hint=has)
    return tuple(load for load in datakit.loads if load.id in ids)
