"""What a change costs on MariaDB: values that a new type does not hold, and others who have to wait."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import Connection

from ...schema.dialects import offline, quoted
from ...schema.difference import Difference
from ...schema.snapshot import ColumnShape

__all__ = ["effect_of", "fills_every_row", "loses", "rewrites", "values_that_change", "widens"]

_TYPE = re.compile(
    r"(?P<base>[a-z0-9]+)(?:\((?P<sizes>.*?)\))?(?P<unsigned> unsigned)?(?P<rest>.*)", re.DOTALL
)
_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
# How many bytes each holds.
_TEXTS = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1, "longtext": 2**32 - 1}
_NUMBERS = (*_INTEGERS, "decimal", "float", "double")
_MOMENTS = {"date": "DATE", "datetime": "DATETIME", "timestamp": "DATETIME", "time": "TIME"}
# The bytes of one character at most; more than this many bytes need a second one for their number.
_CHARACTER, _SHORT = 4, 255
_REWRITES = "rewrites the table, and stops its writers meanwhile"
_REWRITES_BESIDE = "rewrites the table, beside the work of others"
_READS = "reads the whole table, beside the work of others"


def values_that_change(connection: Connection, difference: Difference) -> int:
    """How many values a column's declared type does not hold as they are."""
    have, want = difference.have, difference.want
    if widens(have.type, want.type):
        return 0
    dialect = offline(connection.dialect)
    column = dialect.identifier_preparer.quote(difference.name)
    condition = loses(column, have.type, want.type)
    table = quoted(connection.dialect, difference.table)
    sql = f"SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND ({condition})"
    found: int = connection.exec_driver_sql(sql, execution_options={"no_parameters": True}).scalar_one()
    return found


def widens(have: str, want: str) -> bool:
    """Whether every value of one type is a value of the other, and is kept the same way or grows."""
    if have == want:
        return True
    old, new = _TYPE.fullmatch(have), _TYPE.fullmatch(want)
    if old is None or new is None:
        return False
    was, is_ = old["base"], new["base"]
    if was in _INTEGERS and is_ in _INTEGERS:
        (low, high), (new_low, new_high) = _range(old), _range(new)
        return new_low <= low and high <= new_high
    if was == is_ == "decimal":
        (digits, scale), (new_digits, new_scale) = _sizes(old), _sizes(new)
        return scale <= new_scale and digits - scale <= new_digits - new_scale
    if (was, is_) == ("float", "double"):
        return True
    if was == "char" and is_ == "varchar":
        return _sizes(old)[0] <= _sizes(new)[0]
    if was == is_ and was in ("char", "varchar", "binary", "varbinary"):
        return _sizes(old)[0] <= _sizes(new)[0] and was != "binary"
    if was in ("char", "varchar") and is_ in _TEXTS:
        return _sizes(old)[0] * _CHARACTER <= _TEXTS[is_]
    if was in _TEXTS and is_ in _TEXTS:
        return _TEXTS[was] <= _TEXTS[is_]
    if was == is_ and was in _MOMENTS:
        return (_sizes(old) or [0])[0] <= (_sizes(new) or [0])[0]
    if was == is_ == "enum":
        return set(_values(old)) <= set(_values(new))
    return (was, is_) in (("json", "longtext"), ("date", "datetime"))


def loses(column: str, have: str, want: str) -> str:
    """The condition under which a value, which is not null, is not what it was after a change of type.

    Args:
        column: its name, quoted.
        have: the type that it has.
        want: the type that it gets.
    """
    old, new = _TYPE.fullmatch(have), _TYPE.fullmatch(want)
    assert old is not None
    assert new is not None
    base = new["base"]
    as_text = f"CAST({column} AS CHAR)"
    if base in ("char", "varchar"):
        return f"CHAR_LENGTH({as_text}) > {_sizes(new)[0]}"
    if base in ("binary", "varbinary"):
        return f"OCTET_LENGTH({column}) > {_sizes(new)[0]}"
    if base in _TEXTS:
        return f"OCTET_LENGTH({as_text}) > {_TEXTS[base]}"
    if base == "enum":
        return f"{as_text} NOT IN ({new['sizes']})"
    if base == "json":
        return f"NOT JSON_VALID({as_text})"
    if base == "uuid":
        return f"CAST({as_text} AS UUID) IS NULL"
    numbers = old["base"] in _NUMBERS
    if base in _INTEGERS:
        low, high = _range(new)
        number = f"CAST({column} AS DECIMAL(65,30))"
        written = "" if numbers else f" OR NOT ({as_text} REGEXP '^-?[0-9]+$')"
        return f"{number} NOT BETWEEN {low} AND {high} OR {number} <> FLOOR({number}){written}"
    if base == "decimal":
        digits, scale = _sizes(new)
        number = f"CAST({column} AS DECIMAL(65,30))"
        written = "" if numbers else f" OR NOT ({as_text} REGEXP '^-?[0-9]+([.][0-9]+)?$')"
        return f"ABS({number}) >= 1e{digits - scale} OR ROUND({number}, {scale}) <> {number}{written}"
    if base in ("float", "double") and numbers:
        return f"NOT (CAST({column} AS {base.upper()}) <=> {column})"
    if base in _MOMENTS:
        size = "" if base == "date" else f"({(_sizes(new) or [0])[0]})"
        moment = f"CAST({column} AS {_MOMENTS[base]}{size})"
        same = moment if old["base"] in _MOMENTS else f"CAST({moment} AS CHAR)"
        return f"NOT ({same} <=> {column})"
    # Nothing is known of such a change, so nothing is promised.
    return "TRUE"


def fills_every_row(shape: ColumnShape) -> bool:
    """Whether a new column is written into every row that is there."""
    if shape.identity or (shape.generated or "").endswith("STORED"):
        return True
    return shape.default is not None and "(" in shape.default and "current_timestamp" not in shape.default


def rewrites(have: ColumnShape, want: ColumnShape) -> bool:
    """Whether a column cannot become another one by a note in the catalog alone."""
    if have.identity != want.identity or have.nullable != want.nullable:
        return True
    return have.type != want.type and not _keeps_its_bytes(have.type, want.type)


def effect_of(difference: Difference) -> str:
    """What a change of a table that is there does to its users."""
    have, want = difference.have, difference.want
    match difference.kind:
        case "column" if want is None:
            return ""
        case "column" if have is None:
            return _REWRITES if fills_every_row(want) else ""
        case "column" if have.generated != want.generated:
            return _REWRITES
        case "column" if rewrites(have, want):
            return _REWRITES_BESIDE if have.type == want.type and not want.identity else _REWRITES
        case "primary key":
            return _REWRITES_BESIDE if want else _REWRITES
        case "check" | "foreign key" | "versioning" if want:
            return _REWRITES
        case "index" if want:
            return _REWRITES if want.method else _READS
        case "unique" if want:
            return _READS
    return ""


def _keeps_its_bytes(have: str, want: str) -> bool:
    old, new = _TYPE.fullmatch(have), _TYPE.fullmatch(want)
    if old is None or new is None or old["base"] != new["base"] or not widens(have, want):
        return False
    if old["base"] == "varchar":
        # The bytes that tell the length are one or two.
        was, is_ = (_sizes(each)[0] * _CHARACTER > _SHORT for each in (old, new))
        return was == is_
    if old["base"] == "enum":
        values, more = _values(old), _values(new)
        return more[: len(values)] == values and (len(values) > _SHORT) == (len(more) > _SHORT)
    return False


def _sizes(found: re.Match[str]) -> list[int]:
    return [int(each) for each in (found["sizes"] or "").split(",") if each.strip().isdigit()]


def _values(found: re.Match[str]) -> Sequence[str]:
    return re.findall(r"'(?:[^'\\]|''|\\.)*'", found["sizes"] or "", re.DOTALL)


def _range(found: re.Match[str]) -> tuple[int, int]:
    bits = _INTEGERS[found["base"]]
    return (0, 2**bits - 1) if found["unsigned"] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
