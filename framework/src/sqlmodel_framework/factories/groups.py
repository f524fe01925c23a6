"""Columns that get their values together, and how the values of a row are numbered.

A group is one column, or the columns of a foreign key, which are those of one row of the parent. What a row
gets is a matter of its own number alone. So a row that refers to another one knows its key without any of
the two being kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .domains import Domain, scattered
from .draws import drawing

__all__ = ["BLOCK", "Group", "keep_apart"]

BLOCK = 1_000
"""How many rows are made at once."""

_NULLS = 0.1
_MASK = (1 << 64) - 1


@dataclass(eq=False)
class Group:
    """Columns that get their values together.

    Attributes:
        columns: their names.
        domain: their values; of several columns, a tuple each.
        salt: what tells the group from those of other seeds and tables.
        nullable: whether a row may have none.
        of_key: whether values hang on the row's number in a way that needs no draws in between.
        earlier: whether the domain is the table itself, of which a row refers to an earlier one.
        stride: of a group that tells rows apart: after how many rows the value changes.
    """

    columns: tuple[str, ...]
    domain: Domain
    salt: str
    nullable: bool = False
    of_key: bool = False
    earlier: bool = False
    stride: int | None = None
    _mixing: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._mixing = drawing(self.salt).getrandbits(64) | 1

    def tell_apart(self, stride: int) -> None:
        """Let the value change every `stride` rows, and come again only after all others."""
        self.stride = stride
        if not self.domain.orderly:
            self.domain = scattered(self.domain, drawing(self.salt))

    def values(self, start: int, stop: int) -> list[Any]:
        """The values of some rows; `start` is a multiple of `BLOCK`."""
        at, size = self.domain.at, self.domain.size
        if self.stride is not None:
            stride = self.stride
            return [at(row // stride % size) for row in range(start, stop)]
        if self.of_key or self.earlier:
            return [self.value(row) for row in range(start, stop)]
        draw = drawing(f"{self.salt} {start}").random
        if self.nullable:
            return [None if draw() < _NULLS else at(int(draw() * size)) for _ in range(start, stop)]
        return [at(int(draw() * size)) for _ in range(start, stop)]

    def value(self, row: int) -> Any:
        """The value of one row."""
        at, size = self.domain.at, self.domain.size
        if self.stride is not None:
            return at(row // self.stride % size)
        if self.earlier:
            # The first row has nobody but itself.
            if row == 0:
                return None if self.nullable else at(0)
            return at(self._mixed(row) * row >> 64)
        if self.of_key:
            return at(self._mixed(row) * size >> 64)
        start = row - row % BLOCK
        return self.values(start, row + 1)[-1]

    def _mixed(self, row: int) -> int:
        """64 bits that look random (the mixing of splitmix64)."""
        bits = (row + 1) * self._mixing & _MASK
        bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
        bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
        return bits ^ bits >> 31


def keep_apart(groups: Sequence[Group], count: int) -> int:
    """Number groups so that no two of `count` rows have the same values in all of them.

    Groups that are numbered already, for another key, stay so; what they tell apart is left to them.

    Returns:
        How many rows the groups tell apart.
    """
    apart = 1
    for group in sorted((g for g in groups if g.stride is not None), key=lambda g: g.stride or 0):
        if group.stride == apart:
            apart *= group.domain.size
    # The smallest first: each of its values comes about as often.
    for group in sorted((g for g in groups if g.stride is None), key=lambda g: g.domain.size):
        if apart >= count > 1:
            break
        group.tell_apart(apart)
        apart *= group.domain.size
    return apart
