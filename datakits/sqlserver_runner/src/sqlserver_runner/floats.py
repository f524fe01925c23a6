"""Floats as PostgreSQL writes them: the fewest digits that can mean nothing else.

Python's `repr` nearly does that. But it takes a text that lies exactly between two floats, because it is
read as the even one of them, and PostgreSQL does not: 34699599625007752 is `3.469959962500775e+16` to one
and `3.4699599625007752e+16` to the other.
"""

from __future__ import annotations

import math
import struct
from decimal import Decimal
from fractions import Fraction

__all__ = ["float4_text", "float8_text"]

# Below, what lies between two floats has more digits than any text of one.
_BETWEEN_IS_SHORT = 2.0**53


def float8_text(value: float) -> str:
    """A float of eight bytes; with an exponent from 1e+15 on and below 1e-04."""
    if not math.isfinite(value) or value == 0:
        return _special(value)
    size = abs(value)
    figures = Decimal(repr(size))
    if size >= _BETWEEN_IS_SHORT:
        above = math.nextafter(size, math.inf)
        beyond = Fraction(above) if math.isfinite(above) else Fraction(2) ** 1024
        figures = _inside(size, Fraction(math.nextafter(size, 0)), beyond, figures, 17)
    return _written(value, figures, 15)


def float4_text(value: float) -> str:
    """A float of four bytes; with an exponent from 1e+06 on and below 1e-04."""
    if not math.isfinite(value) or value == 0:
        return _special(value)
    size = abs(value)
    (number,) = struct.unpack("<I", struct.pack("<f", size))
    below, above = (struct.unpack("<f", struct.pack("<I", number + step))[0] for step in (-1, 1))
    if math.isinf(above):
        above = 2.0**128
    figures = _quickly_inside(size, (below + size) / 2, (size + above) / 2)
    if figures is None:
        figures = _inside(size, Fraction(below), Fraction(above), None, 9)
    return _written(value, figures, 6)


def _quickly_inside(size: float, low: float, high: float) -> Decimal | None:
    """`_inside` for a float of four bytes, in eight; None where that is not exact enough."""
    if size - low != high - size:
        return None  # a power of two
    for digits in range(9):
        text = f"{size:.{digits}e}"
        rounded = float(text)
        if rounded in (low, high):
            return None
        if low < rounded < high:
            return Decimal(text)
    return None


def _inside(size: float, below: Fraction, above: Fraction, first: Decimal | None, longest: int) -> Decimal:
    """The decimal of the fewest digits, at most `longest`, that is nearer to `size` than to a neighbour."""
    exact = Fraction(size)
    low, high = (below + exact) / 2, (exact + above) / 2
    if first is not None and low < Fraction(first) < high:
        return first
    exponent = Decimal(size).adjusted()
    for digits in range(1, longest + 1):
        unit = Fraction(10) ** (exponent - digits + 1)
        whole = exact // unit
        found = [count for count in (whole, whole + 1) if low < count * unit < high]
        if found:
            nearest = min(found, key=lambda count: (abs(count * unit - exact), count % 2))
            return Decimal(nearest).scaleb(exponent - digits + 1)
    return Decimal(size)


def _special(value: float) -> str:
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(value)]


def _written(value: float, figures: Decimal, longest_whole: int) -> str:
    sign = "-" if value < 0 else ""
    figures = figures.normalize()
    exponent = figures.adjusted()
    if -4 <= exponent < longest_whole:
        return sign + format(figures, "f")
    digits = "".join(map(str, figures.as_tuple().digits))
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{exponent:+03d}"
