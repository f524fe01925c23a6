"""The names of types: what MariaDB reports and what a declaration compiles to, in the same words."""

from __future__ import annotations

import re

# How wide an integer is printed says nothing about what it holds.
_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int(?:eger)?)\(\d+\)")
_COLLATION = re.compile(r" (?:character set|collate) \S+")
_SAME = {"integer": "int", "bool": "tinyint", "json": "longtext", "numeric": "decimal"}


def formatted_type(compiled: str) -> str:
    """The one name of a type that SQLAlchemy compiled, declared or found.

    Examples: `BIGINT(20)` is `bigint`, `JSON` is `longtext`, as which MariaDB keeps it.
    """
    words = _COLLATION.sub("", _WIDTH.sub(r"\1", compiled.lower()))
    name, bracket, rest = words.partition("(")
    return _SAME.get(name, name) + bracket + rest
