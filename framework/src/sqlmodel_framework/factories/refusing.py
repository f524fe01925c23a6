"""What is said where no value can be made up."""

from __future__ import annotations

from sqlmodel import SQLModel

from ..base.tables import table_of
from ..errors import DeclarationError

__all__ = ["refusal"]


def refusal(table: type[SQLModel], column: str, why: str) -> DeclarationError:
    """The error for a column whose values have to be given.

    Args:
        table: the class.
        column: the column's name.
        why: what stands in the way, to follow a colon.
    """
    name = table_of(table).fullname
    return DeclarationError(
        f"{name}.{column}: no value can be made up: {why}",
        hint=f"pass a value for all rows, or a callable for each: {column}=lambda row, random: ...",
        table=name,
        column=column,
    )
