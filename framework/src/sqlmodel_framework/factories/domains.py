"""The values that a column can have, by number.

Everything else here reckons with the numbers: a random value is that of a random number, and values that
must differ are those of different numbers, so that none has to be remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import gcd
from random import Random
from typing import Any
from uuid import UUID

__all__ = [
    "Domain",
    "clock_times",
    "dates",
    "decimals",
    "floats",
    "listed",
    "moments",
    "octets",
    "scattered",
    "spans",
    "uuids",
    "whole_numbers",
]

# Odd, so that a product with it, cut to some bits, still tells all numbers apart.
_SPREADING = 0x9E3779B97F4A7C15F39CC0605CEDC835
_UUID_BITS = 122


@dataclass(frozen=True)
class Domain:
    """Values by their numbers, 0 to `size` - 1; two numbers never have one value.

    Attributes:
        size: how many values there are.
        at: the value of a number.
        orderly: whether keys are to be in the order of the numbers, or scattered over them.
    """

    size: int
    at: Callable[[int], Any]
    orderly: bool = True


def scattered(domain: Domain, random: Random) -> Domain:
    """The same values under other numbers, far apart where those are near."""
    size = domain.size
    factor = int(size * 0.6180339887498949) + random.randrange(max(size // 100, 1)) or 1
    while gcd(factor, size) != 1:
        factor += 1
    shift, at = random.randrange(size), domain.at
    return Domain(size, lambda number: at((number * factor + shift) % size))


def listed(values: Sequence[Any]) -> Domain:
    """These values."""
    return Domain(len(values), values.__getitem__)


def whole_numbers(low: int, high: int, step: int = 1) -> Domain:
    """From `low` to `high`, both included if the step meets them."""
    numbers = range(low, high + 1, step)
    return Domain(max(0, (high - low) // step + 1), numbers.__getitem__)


def decimals(low: int, high: int, step: int, places: int) -> Domain:
    """As whole numbers, of which the last `places` digits come after the point."""

    def at(number: int) -> Decimal:
        return Decimal(low + number * step).scaleb(-places)

    return Domain(max(0, (high - low) // step + 1), at)


def floats(low: int, high: int, step: int, places: int) -> Domain:
    """As `decimals`."""
    # Division by a power of ten is rounded correctly, a product with its inverse is not.
    divisor = 10**places
    return Domain(max(0, (high - low) // step + 1), lambda number: (low + number * step) / divisor)


def dates(low: date, high: date) -> Domain:
    """Every day."""
    first = low.toordinal()
    return Domain(max(0, high.toordinal() - first + 1), lambda number: date.fromordinal(first + number))


def moments(low: datetime, high: datetime, *, aware: bool) -> Domain:
    """Every second between two moments without a time zone; of UTC, if aware."""
    first = low.replace(tzinfo=UTC) if aware else low
    seconds = (high - low) // timedelta(seconds=1)
    return Domain(max(0, seconds + 1), lambda number: first + timedelta(seconds=number))


def clock_times() -> Domain:
    """Every second of a day."""
    return Domain(24 * 3600, lambda number: time(number // 3600, number // 60 % 60, number % 60))


def spans(low: timedelta, high: timedelta) -> Domain:
    """Every second."""
    second = timedelta(seconds=1)
    return Domain(max(0, (high - low) // second + 1), lambda number: low + number * second)


def octets(length: int) -> Domain:
    """Binary values of one length."""
    size = 1 << (8 * length)
    return Domain(size, lambda number: (number * _SPREADING % size).to_bytes(length, "big"), orderly=False)


def uuids() -> Domain:
    """UUIDs that look like random ones."""
    mask = (1 << _UUID_BITS) - 1

    def at(number: int) -> UUID:
        bits = number * _SPREADING & mask
        # 48 bits, the version 4, 12 bits, the variant, 62 bits.
        high, middle, low = bits >> 74, bits >> 62 & 0xFFF, bits & (1 << 62) - 1
        return UUID(int=high << 80 | 4 << 76 | middle << 64 | 2 << 62 | low)

    return Domain(1 << _UUID_BITS, at, orderly=False)
