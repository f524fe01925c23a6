"""Synthetic rows: valid by what a typed table declares, the same for the same seed, as many as are wanted.

    for row in make_rows(Item, 1_000, seed=7): ...
    fill("shop", "staging", rows=1_000_000)

They need the extra `factories`.
"""

from .filling import fill
from .history import make_history
from .rows import make_rows

__all__ = ["fill", "make_history", "make_rows"]
