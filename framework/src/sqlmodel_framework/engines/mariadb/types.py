"""The names of types: what MariaDB reports and what a declaration compiles to, in the same words."""

from __future__ import annotations

import re

__all__ = ["formatted_type"]

_TYPE = re.compile(
    r"(?P<name>[a-z0-9_ ]+?)\s*(?P<sizes>\((?:[^()'\"]|'(?:[^'\\]|''|\\.)*')*\))?"
    r"(?P<rest>(?:\s+(?:signed|unsigned|zerofill|(?:collate|charset|character set) \S+))*)",
    re.IGNORECASE | re.DOTALL,
)
_CHARACTERS = re.compile(r"\s*(?:character set|charset) \S+")
_SAME = {
    "bool": "tinyint(1)",
    "boolean": "tinyint(1)",
    "character": "char",
    "dec": "decimal",
    "double precision": "double",
    "fixed": "decimal",
    "int1": "tinyint",
    "int2": "smallint",
    "int3": "mediumint",
    "int4": "int",
    "int8": "bigint",
    "integer": "int",
    "national varchar": "varchar",
    "numeric": "decimal",
    "real": "double",
}
_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
# What a size is where none is said.
_SIZES = {"binary": "(1)", "bit": "(1)", "char": "(1)", "decimal": "(10,0)", "year": "(4)"}


def formatted_type(compiled: str) -> str:
    """The one name of a type that SQLAlchemy compiled, declared or found.

    How wide an integer is printed says nothing about what it holds; only `tinyint(1)` is told apart, since
    many take it for true or false. The character set is told by the collation.

    Examples: `BIGINT(20)` is `bigint`, `NUMERIC(10, 2)` is `decimal(10,2)`.
    """
    found = _TYPE.fullmatch(compiled.strip())
    if found is None:
        return compiled
    name = " ".join(found["name"].lower().split())
    sizes, rest = found["sizes"] or "", _CHARACTERS.sub("", found["rest"].lower())
    name = _SAME.get(name, name)
    sizes = re.sub(r"'\s*,\s*'", "','", sizes) if name in ("enum", "set") else sizes.replace(" ", "")
    if name in _INTEGERS:
        sizes = sizes if (name, sizes) == ("tinyint", "(1)") else ""
    elif name == "float" and sizes and "," not in sizes:
        # float(25) to float(53) are of double precision.
        name, sizes = ("double" if int(sizes[1:-1]) > 24 else "float"), ""
    elif name == "decimal" and sizes and "," not in sizes:
        sizes = f"{sizes[:-1]},0)"
    elif not sizes:
        sizes = _SIZES.get(name, "")
    elif sizes == "(0)" and name in ("datetime", "time", "timestamp"):
        sizes = ""
    return f"{name}{sizes}{rest}"
