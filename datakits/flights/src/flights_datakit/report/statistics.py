"""Shares and how sure they are."""

from math import sqrt

Z_95 = 1.959964


def share(part: float, whole: float) -> float | None:
    """Return ``part`` of ``whole``, between 0 and 1; None when there is nothing to divide by."""
    return part / whole if whole else None


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share after Wilson (1927); (0, 1) when nothing was counted.

    It treats flights as independent. They are not quite, as a bad day delays many: read it as the least doubt
    that there is.
    """
    if not whole:
        return 0.0, 1.0
    observed = part / whole
    centre = observed + Z_95**2 / (2 * whole)
    margin = Z_95 * sqrt(observed * (1 - observed) / whole + Z_95**2 / (4 * whole**2))
    scale = 1 + Z_95**2 / whole
    return max(0.0, (centre - margin) / scale), min(1.0, (centre + margin) / scale)
