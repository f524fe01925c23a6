"""The names of types: what a declaration compiles to, in the words of PostgreSQL's `format_type`."""

from __future__ import annotations

import re

_ALIAS = {
    "bigserial": "bigint",
    "bool": "boolean",
    "char": "character",
    "dec": "numeric",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int": "integer",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "smallserial": "smallint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
_SIZE = re.compile(r"\s*\(([^)]*)\)")
_ARRAY = re.compile(r"(?:\[\d*\])+$")


def formatted_type(compiled: str, default_schema: str = "public") -> str:
    """What `format_type` calls a type that SQLAlchemy compiled.

    Examples: `VARCHAR(3)` is `character varying(3)`, `TIMESTAMP(3) WITH TIME ZONE` is
    `timestamp(3) with time zone`. A type of the user's own keeps its name, without the default schema.
    """
    text = compiled.partition(" COLLATE ")[0].strip()
    array = "[]" if _ARRAY.search(text) else ""
    text = _ARRAY.sub("", text)
    if '"' in text:
        return f"{text.removeprefix(f'{default_schema}.')}{array}"
    match = _SIZE.search(text)
    sizes = [part.strip() for part in match[1].split(",")] if match else []
    words = _SIZE.sub("", text, count=1).lower()
    name = _ALIAS.get(words, words).removeprefix(f"{default_schema}.")
    if name == "float":
        # float(1) to float(24) are single precision.
        return f"{'real' if sizes and int(sizes[0]) <= 24 else 'double precision'}{array}"
    if name == "numeric" and len(sizes) == 1:
        sizes.append("0")
    if name in ("character", "bit") and not sizes:
        sizes = ["1"]
    size = f"({','.join(sizes)})" if sizes else ""
    if name.startswith("time"):
        first, _, zone = name.partition(" ")
        return f"{first}{size} {zone}{array}"
    return f"{name}{size}{array}"
