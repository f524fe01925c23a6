"""Whether the rows that were rejected are too many for a load to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import ContractError
from .load import Load

__all__ = ["RejectedRow", "check_rejected"]


@dataclass(frozen=True)
class RejectedRow:
    """The first row that was rejected: its position in the source, and the reasons."""

    position: int
    reasons: tuple[str, ...]


def check_rejected(load: Load, read: int, rejected: int, first: Callable[[], RejectedRow]) -> None:
    """Stop a load that has rejected more rows than it may.

    Args:
        load: the load.
        read: how many rows came.
        rejected: how many of them were rejected.
        first: finds the first of them.

    Raises:
        ContractError: they are too many; the message names the first.
    """
    if rejected == 0 or rejected <= _most(load, read):
        return
    row = first()
    allowed = "none may be" if load.contract == "enforce" else f"at most {load.reject_at_most} may be"
    raise ContractError(
        f"load {load.name!r} into {load.full_table_name}: {rejected:,} of {read:,} rows "
        f"{'breaks' if rejected == 1 else 'break'} its contract, and {allowed}; nothing was loaded. "
        f"The first is row {row.position}: {'; '.join(row.reasons)}",
        hint='mend the rows, or let the load put them aside: contract="quarantine", reject_at_most=None',
        table=load.full_table_name,
    )


def _most(load: Load, read: int) -> float:
    most = 0 if load.contract == "enforce" else load.reject_at_most
    if most is None:
        return read
    return most * read if isinstance(most, float) else most
