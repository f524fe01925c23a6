"""Where randomness comes from."""

from __future__ import annotations

from random import Random

__all__ = ["drawing"]


def drawing(salt: str) -> Random:
    """A generator of its own for a purpose: the same one in every process, whatever its hash seed.

    Args:
        salt: what tells the purpose from others.
    """
    # The values are to be reproducible, so nobody may take them for secrets.
    return Random(salt)  # noqa: S311
