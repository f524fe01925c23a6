"""What a change costs on SQL Server: values that a new type does not hold, and others who have to wait."""

from __future__ import annotations

import re

from ...schema.difference import Difference
from ...schema.snapshot import ColumnShape
from .types import only_grows

__all__ = ["effect_of", "loses", "widens"]

_TYPE = re.compile(r"(?P<base>[a-z0-9_]+)(?:\((?P<sizes>[^)]*)\))?.*", re.DOTALL)
_INTEGERS = ("bit", "tinyint", "smallint", "int", "bigint")
_TEXTS = ("char", "nchar", "nvarchar", "varchar")
_MOMENTS = ("date", "datetime", "datetime2", "datetimeoffset", "smalldatetime", "time")
_NUMBERS = (*_INTEGERS, "decimal", "float", "money", "real", "smallmoney")
_REWRITES = "rewrites the table, and stops its users meanwhile"
_READS = "reads the whole table, and stops its writers meanwhile"
_SETTLED = re.compile(r"(?:getdate|getutcdate|sysdatetime|sysutcdatetime|sysdatetimeoffset)\(\)")


def widens(have: str, want: str) -> bool:
    """Whether every value of one type is a value of the other."""
    if have == want or only_grows(have, want):
        return True
    (was, sizes), (is_, new) = (_parts(each) for each in (have, want))
    if was in _INTEGERS and is_ in _INTEGERS:
        return _INTEGERS.index(was) <= _INTEGERS.index(is_)
    if was == is_ == "decimal":
        (digits, scale), (new_digits, new_scale) = (tuple(map(int, each.split(","))) for each in (sizes, new))
        return scale <= new_scale and digits - scale <= new_digits - new_scale
    if was == is_ and was in ("datetime2", "datetimeoffset", "time"):
        return int(sizes) <= int(new)
    if was == "varchar" and is_ == "nvarchar":
        return new == "max" or (sizes != "max" and int(sizes) <= int(new))
    return (was, is_) in (("real", "float"), ("date", "datetime2"), ("datetime2", "datetimeoffset"))


def loses(column: str, have: str, want: str) -> str | None:
    """The condition under which a value is not what it was after a change of type; None where none is.

    Args:
        column: its name, with brackets where it must have them.
        have: the type that it has.
        want: the type that it gets.
    """
    if widens(have, want):
        return None
    was, is_ = _parts(have)[0], _parts(want)[0]
    alike = any(was in family and is_ in family for family in (_NUMBERS, _MOMENTS, _TEXTS))
    if not (alike or was in _TEXTS or is_ in _TEXTS) or "binary" in was + is_:
        # Nothing is known of such a change, so nothing is promised.
        return f"{column} IS NOT NULL"
    target, source = (each.partition(" ")[0] for each in (want, have))
    back = f"TRY_CONVERT({source}, TRY_CONVERT({target}, {column}))"
    # Blanks at the end make no difference to the server, but they do to who reads them.
    return (
        f"{column} IS NOT NULL AND ({back} IS NULL OR {back} <> {column} "
        f"OR DATALENGTH({back}) <> DATALENGTH({column}))"
    )


def effect_of(difference: Difference) -> str:
    """What a change of a table that is there does to its users."""
    have, want = difference.have, difference.want
    match difference.kind:
        case "column" if want is None:
            return ""
        case "column" if have is None:
            return _REWRITES if _fills_every_row(want) else ""
        case "column" if have.generated != want.generated:
            return _REWRITES
        case "column" if have.type != want.type and not only_grows(have.type, want.type):
            return _REWRITES
        case "column" if have.nullable and not want.nullable:
            return _READS
        case "primary key" if want:
            return _REWRITES
        case "unique" | "check" | "foreign key" | "index" | "versioning" if want:
            return _READS
    return ""


def _fills_every_row(shape: ColumnShape) -> bool:
    if shape.identity or (shape.generated or "").endswith("PERSISTED"):
        return True
    return shape.default is not None and "(" in _SETTLED.sub("", shape.default)


def _parts(type_: str) -> tuple[str, str]:
    found = _TYPE.fullmatch(type_)
    return ("", "") if found is None else (found["base"], found["sizes"] or "")
