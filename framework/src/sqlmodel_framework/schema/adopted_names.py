"""Names in Python for what a database may call as it likes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from keyword import iskeyword

__all__ = ["class_name", "field_name", "free_name", "member_name"]


def class_name(*parts: str) -> str:
    """`order_line` is `OrderLine`; what stands in large letters stays so."""
    words = "_".join(map(_identifier, parts)).split("_")
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"Table{name}"


def field_name(name: str) -> str:
    """A column's name itself wherever a field may have it: pydantic takes `_name` for none of its fields."""
    found = _identifier(name).lstrip("_")
    if not found[:1].isalpha():
        found = f"column_{found}".rstrip("_")
    return f"{found}_" if iskeyword(found) else found


def member_name(value: str) -> str:
    """`in progress` is `IN_PROGRESS`; `enum` keeps names that begin and end with _ for itself."""
    name = _identifier(value).upper().strip("_") or "EMPTY"
    return name if name[0].isalpha() else f"VALUE_{name}"


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, with as little behind it as makes it one that is not taken."""
    candidates = (name, f"{name}_", *(f"{name}_{number}" for number in range(2, len(taken) + 2)))
    return next(each for each in candidates if each not in taken)


def _identifier(text: str) -> str:
    # Python reads names in this form, so it must be the one that is written.
    normal = unicodedata.normalize("NFKC", text)
    return re.sub(
        r"_{3,}", "__", "".join(letter if f"a{letter}".isidentifier() else "_" for letter in normal)
    )
