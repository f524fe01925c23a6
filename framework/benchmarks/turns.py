"""Sides that are timed against each other, taking turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

__all__ = ["ratio", "seconds", "smallest"]

Side = Callable[[], float]


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes, with nothing left to collect from before."""
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def smallest(times: int, *sides: Side) -> list[float]:
    """The smallest value of each side; each is asked so many times, one after the other."""
    rounds = [[side() for side in sides] for _ in range(times)]
    return [min(values) for values in zip(*rounds, strict=True)]


def ratio(times: int, ours: Side, theirs: Side) -> float:
    """Our smallest value by theirs."""
    first, second = smallest(times, ours, theirs)
    return first / second
