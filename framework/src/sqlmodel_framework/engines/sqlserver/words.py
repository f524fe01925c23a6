"""Names within expressions: where one stands as a name, and not in a text."""

from __future__ import annotations

import re

__all__ = ["mentions", "with_name"]

_TEXT = re.compile(r"('(?:[^']|'')*')")


def mentions(expression: str | None, name: str) -> bool:
    """Whether a name, with brackets where it must have them, stands in an expression."""
    return any(_word(name).search(part) for part in _TEXT.split(expression or "")[::2])


def with_name(expression: str, old: str, new: str) -> str:
    """An expression with another name in the place of one, both with brackets where they must have them."""
    parts = _TEXT.split(expression)
    parts[::2] = [_word(old).sub(lambda _: new, part) for part in parts[::2]]
    return "".join(parts)


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w\[]){re.escape(name)}(?![\w\]])")
