"""What a change costs on PostgreSQL: values that a new type does not hold, and others who have to wait."""

from __future__ import annotations

import re

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ...schema.dialects import offline, quoted
from ...schema.difference import Difference
from ...schema.snapshot import ColumnShape

__all__ = ["effect_of", "values_that_change", "widens"]

_TYPE = re.compile(r"(?P<base>[^(]+?)(?:\((?P<sizes>[\d,]+)\))?")
_INTEGERS = ("smallint", "integer", "bigint")
_TEXTS = ("character varying", "text")
_REWRITES = "rewrites the table, and stops its users meanwhile"
_READS = "reads the whole table, and stops its writers meanwhile"
# Their value is settled once for a whole statement, so every row can share it.
_SETTLED = re.compile(r"now\(\)|CURRENT_\w+|LOCAL\w+")


def values_that_change(connection: Connection, difference: Difference) -> int:
    """How many values a column's declared type does not hold as they are."""
    have, want = difference.have, difference.want
    if widens(have.type, want.type):
        return 0
    table = quoted(connection.dialect, difference.table)
    column = offline(connection.dialect).identifier_preparer.quote(difference.name)
    for converted in (
        f"{column}::{want.type}::{have.type}",
        f"{column}::text::{want.type}::text::{have.type}",
    ):
        found = _count(connection, table, f"{converted} IS DISTINCT FROM {column}")
        if found is not None:
            return found
    # Some value cannot be converted at all; since version 16 the server says which.
    invalid = f"{column} IS NOT NULL AND NOT pg_input_is_valid({column}::text, '{want.type}')"
    found = _count(connection, table, invalid)
    if found is None:
        found = _count(connection, table, f"{column} IS NOT NULL")
    return found or 0


def widens(have: str, want: str) -> bool:
    """Whether every value of one type is a value of the other, and is kept the same way or grows."""
    old, new = _TYPE.fullmatch(have), _TYPE.fullmatch(want)
    if old is None or new is None:
        return False
    if old["base"] in _INTEGERS and new["base"] in _INTEGERS:
        return _INTEGERS.index(old["base"]) <= _INTEGERS.index(new["base"])
    if old["base"] in _TEXTS and new["base"] in _TEXTS:
        return new["sizes"] is None or (old["sizes"] is not None and int(old["sizes"]) <= int(new["sizes"]))
    if (old["base"], new["base"]) == ("real", "double precision"):
        return True
    if old["base"] == new["base"] == "numeric":
        if new["sizes"] is None or old["sizes"] is None:
            return new["sizes"] is None
        (old_digits, old_scale), (new_digits, new_scale) = (
            tuple(int(each) for each in found["sizes"].split(",")) for found in (old, new)
        )
        return old_scale <= new_scale and old_digits - old_scale <= new_digits - new_scale
    return False


def effect_of(difference: Difference) -> str:
    """What a change of a table that is there does to its users."""
    have, want = difference.have, difference.want
    match difference.kind:
        case "column" if want is None:
            return ""
        case "column" if have is None:
            return _REWRITES if _is_filled_row_by_row(want) else ""
        case "column" if have.type != want.type and not _keeps_its_bytes(have.type, want.type):
            return _REWRITES
        case "column" if have.generated != want.generated:
            return _REWRITES
        case "column" if have.nullable and not want.nullable:
            return _READS
        case "primary key" | "unique" | "check" | "foreign key" | "index" if want:
            return _READS
    return ""


def _is_filled_row_by_row(shape: ColumnShape) -> bool:
    if shape.identity or shape.generated is not None:
        return True
    return shape.default is not None and "(" in _SETTLED.sub("", shape.default)


def _keeps_its_bytes(have: str, want: str) -> bool:
    bases = [text.partition("(")[0] for text in (have, want)]
    return widens(have, want) and (set(bases) <= set(_TEXTS) or bases == ["numeric", "numeric"])


def _count(connection: Connection, table: str, condition: str) -> int | None:
    """How many rows meet a condition; None where a value cannot be converted."""
    trial = connection.begin_nested()
    try:
        sql = f"SELECT count(*) FROM {table} WHERE {condition}"
        found: int = connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).scalar_one()
    except DBAPIError:
        trial.rollback()
        return None
    trial.commit()
    return found
