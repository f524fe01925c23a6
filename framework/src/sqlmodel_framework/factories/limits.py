"""What the bounds on a column come to, taken together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..loading.contract import Bound

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """The bounds on the values of one column.

    Attributes:
        low, high: the narrowest bounds, or None.
        above_low, below_high: whether the bound itself is left out.
        step: what values are a multiple of.
        shortest, longest: of a text.
        patterns: what a text matches.
        values: lists, in all of which a value is.
    """

    low: Any = None
    high: Any = None
    above_low: bool = False
    below_high: bool = False
    step: Any = None
    shortest: int = 0
    longest: int | None = None
    patterns: tuple[str, ...] = ()
    values: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def of(cls, bounds: Iterable[Bound]) -> Limits:
        """The limits that keep to all the bounds."""
        by_kind: dict[str, list[Any]] = {}
        for bound in bounds:
            by_kind.setdefault(bound.kind, []).append(bound.limit)
        # Of two equal bounds, the strict one is the narrower.
        low = max(_strict(by_kind, "ge", "gt"), default=None)
        high = min(((limit, not strict) for limit, strict in _strict(by_kind, "le", "lt")), default=None)
        return cls(
            low=None if low is None else low[0],
            above_low=low is not None and low[1],
            high=None if high is None else high[0],
            below_high=high is not None and not high[1],
            step=by_kind.get("multiple_of", [None])[0],
            shortest=max(by_kind.get("min_length", [0])),
            longest=min(by_kind.get("max_length", ()), default=None),
            patterns=tuple(dict.fromkeys(by_kind.get("pattern", ()))),
            values=tuple(by_kind.get("values", ())),
        )

    @property
    def is_ordered(self) -> bool:
        """Whether there are bounds that take an order."""
        return self.low is not None or self.high is not None or self.step is not None

    def allow(self, value: Any) -> bool:
        """Whether one of a closed list of values is within the bounds."""
        if self.low is not None and (value < self.low or (self.above_low and value == self.low)):
            return False
        if self.high is not None and (value > self.high or (self.below_high and value == self.high)):
            return False
        return self.step is None or value % self.step == 0


def _strict(by_kind: dict[str, list[Any]], loose: str, strict: str) -> list[tuple[Any, bool]]:
    return [(limit, False) for limit in by_kind.get(loose, ())] + [
        (limit, True) for limit in by_kind.get(strict, ())
    ]
