"""Names in Python for what a database may call as it likes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from keyword import iskeyword

__all__ = ["class_name", "field_name", "free_name", "member_name"]


def class_name(*parts: str) -> str:
    """`order_line` is `OrderLine`; what stands in large letters stays so."""
    words = "_".join(map(_letters, parts)).split("_")
    return _name("".join(word[:1].upper() + word[1:] for word in words), "Table")


def field_name(name: str) -> str:
    """A column's name itself wherever a field may have it: pydantic takes `_name` for none of its fields."""
    return _name(_letters(name).lstrip("_"), "column_")


def member_name(value: str) -> str:
    """`in progress` is `IN_PROGRESS`; `enum` keeps names that begin and end with _ for itself."""
    return _name(_letters(value).upper().strip("_") or "EMPTY", "VALUE_")


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, with as little behind it as makes it one that is not taken."""
    candidates = (name, f"{name}_", *(f"{name}_{number}" for number in range(2, len(taken) + 2)))
    return next(each for each in candidates if each not in taken)


def _letters(text: str) -> str:
    letters = (letter if f"a{letter}".isidentifier() else "_" for letter in _normal(text))
    return re.sub(r"_{3,}", "__", "".join(letters))


def _name(text: str, before: str) -> str:
    name = _normal(text if text[:1].isalpha() else f"{before}{text}".rstrip("_"))
    return f"{name}_" if iskeyword(name) else name


def _normal(text: str) -> str:
    # Python reads names in this form, so it must be the one that is written.
    return unicodedata.normalize("NFKC", text)
