"""Identifiers as PostgreSQL itself prints them."""

from __future__ import annotations

import re

__all__ = ["printed", "quoted"]

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)

# The words that PostgreSQL 18 quotes: every keyword that it does not call unreserved.
_KEYWORDS = """
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean
both case cast char character check coalesce collate collation column concurrently constraint create
cross current_catalog current_date current_role current_schema current_time current_timestamp
current_user dec decimal default deferrable desc distinct do else end except exists extract false
fetch float for foreign freeze from full grant greatest group grouping having ilike in initially
inner inout int integer intersect interval into is isnull join json json_array json_arrayagg
json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
lateral leading least left like limit localtime localtimestamp merge_action national natural nchar
none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay
placing position precision primary real references returning right row select session_user setof
similar smallint some substring symmetric system_user table tablesample then time timestamp to
trailing treat trim true union unique user using values varchar variadic verbose when where window
with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
xmlserialize xmltable
"""
KEYWORDS = frozenset(_KEYWORDS.split())


def quoted(name: str) -> str:
    """A name between quotes, which is right wherever a name may stand."""
    return '"' + name.replace('"', '""') + '"'


def printed(name: str) -> str:
    """A name as `quote_ident` prints it: between quotes only where it must be."""
    return name if _PLAIN.fullmatch(name) and name not in KEYWORDS else quoted(name)
