"""Names within expressions: where one stands as a name, and not in a text or in another name."""

from __future__ import annotations

import re

__all__ = ["mentions", "with_name"]

_PIECE = re.compile(r"'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|[\w@$#]+|.", re.DOTALL)


def mentions(expression: str | None, name: str) -> bool:
    """Whether a name, with brackets where it must have them, stands in an expression."""
    return name in _PIECE.findall(expression or "")


def with_name(expression: str, old: str, new: str) -> str:
    """An expression with another name in the place of one, both with brackets where they must have them."""
    return "".join(new if piece == old else piece for piece in _PIECE.findall(expression))
