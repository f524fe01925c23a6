"""A column's new name: the server gives it, unless a check or a computed column stands on the old one."""

from __future__ import annotations

from collections.abc import Callable

from ...schema.rebuilding import name_or_none
from ...schema.snapshot import TableShape
from .canonical import BOUNDS
from .queries import literal
from .words import mentions, with_name

__all__ = ["renaming_column"]


def renaming_column(
    full: str, shape: TableShape, old: str, new: str, quote: Callable[[str], str]
) -> list[str]:
    """The statements that rename a column; what stands on it is taken away first, and made again after it.

    Args:
        full: the table's full name, with brackets where it must have them.
        shape: the table as it is.
        old: the column's name as it is.
        new: the name that it gets.
        quote: how a name is written, with brackets where it must have them.
    """
    before: list[str] = []
    after: list[str] = []
    for name, check in shape.checks.items():
        if mentions(check.expression, quote(old)):
            before.append(f"ALTER TABLE {full} DROP CONSTRAINT {quote(name)}")
            named = f"CONSTRAINT {quote(name)} " if name_or_none(name) else ""
            words = with_name(check.expression, quote(old), quote(new))
            after.append(f"ALTER TABLE {full} ADD {named}CHECK ({words})")
    for name, column in shape.columns.items():
        generated = column.generated or ""
        if generated not in BOUNDS.values() and mentions(generated, quote(old)):
            before.append(f"ALTER TABLE {full} DROP COLUMN {quote(name)}")
            words = with_name(generated, quote(old), quote(new))
            after.append(f"ALTER TABLE {full} ADD {quote(name)} AS {words}")
    rename = f"EXEC sys.sp_rename {literal(f'{full}.{quote(old)}')}, {literal(new)}, N'COLUMN'"
    return [*before, rename, *after]
