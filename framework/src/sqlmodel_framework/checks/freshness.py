"""Whether a table's newest row is new enough."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from sqlalchemy import DateTime, Integer, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import SQLModel

from ..base.datakit import Check
from ..base.tables import plain_type, table_of
from ..errors import DeclarationError
from .breaking_rows import column_of, place_of

__all__ = ["fresh"]


def fresh(
    cls: type[SQLModel], column: str, within: timedelta, *, because: str = "old rows say nothing of today"
) -> Check:
    """The newest value of a column is not older than some time, by the clock of the database.

    A table without a value breaks it. It is the table that breaks it, so what is found is 1 or 0.

    Args:
        cls: a table class.
        column: one of its columns: moments with their time zone. An index over it spares reading the table.
        within: how old the newest value may be, to the second.
        because: what it protects, in a few words.

    Raises:
        DeclarationError: there is no such column, it holds no moments, or the time is not above 0.
    """
    found = column_of(cls, column)
    type_ = plain_type(found)
    if not (isinstance(type_, DateTime) and type_.timezone):
        raise DeclarationError(
            f"{place_of(found)} holds no moments in time, so nobody can say how old they are",
            hint="declare the field as a datetime, which has a time zone, and not as NaiveDatetime or date",
            table=table_of(cls).fullname,
            column=column,
        )
    if within <= timedelta(0):
        raise DeclarationError(f"{place_of(found)} cannot be fresh within {within}: the time must be above 0")
    oldest = _Ago(literal(math.ceil(within.total_seconds()), Integer))
    return Check(
        name=f"{place_of(found)} is not older than {within}",
        statement=select(case((func.max(found) >= oldest, 0), else_=1)).select_from(table_of(cls)),
        because=because,
    )


class _Ago(FunctionElement[Any]):
    """The moment so many seconds before now, as a column of moments holds it."""

    inherit_cache = True
    type = DateTime(timezone=True)


@compiles(_Ago, "postgresql")
def _postgres(element: _Ago, compiler: Any, **kw: Any) -> str:
    return f"(now() - make_interval(secs => {compiler.process(element.clauses, **kw)}))"


@compiles(_Ago, "mariadb", "mysql")
def _mariadb(element: _Ago, compiler: Any, **kw: Any) -> str:
    return f"(CURRENT_TIMESTAMP(6) - INTERVAL {compiler.process(element.clauses, **kw)} SECOND)"


@compiles(_Ago, "mssql")
def _sqlserver(element: _Ago, compiler: Any, **kw: Any) -> str:
    return f"DATEADD(second, -({compiler.process(element.clauses, **kw)}), SYSUTCDATETIME())"


@compiles(_Ago, "sqlite")
def _sqlite(element: _Ago, compiler: Any, **kw: Any) -> str:
    # As SQLAlchemy keeps moments there: with six digits.
    seconds = compiler.process(element.clauses, **kw)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || {seconds} || ' seconds')"
