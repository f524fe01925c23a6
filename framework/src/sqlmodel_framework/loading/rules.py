"""Declared deviations: what to do with rows that are known to be imperfect, and why.

A rule is counted by its text in the result of a load, so nobody has to guess how many rows it met.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Column
from sqlalchemy.orm import QueryableAttribute

from ..errors import DeclarationError

__all__ = ["Coerce", "Reference", "Rule", "Unique"]


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Values of `column` should exist in the column `to`. A null refers to nothing, so it is fine.

    Args:
        column: a column of the loaded table.
        to: a column of another table of the target, such as `Airports.faa`.
        on_missing: "keep" loads the row and counts it; "quarantine" rejects it.
        because: why this is right for this data, in a few words.
    """

    column: str
    to: Any
    on_missing: Literal["keep", "quarantine"]
    because: str

    def __post_init__(self) -> None:
        _one_of("Reference.on_missing", self.on_missing)
        if not isinstance(self.to, (Column, QueryableAttribute)):
            raise DeclarationError(
                f"Reference.to of column {self.column!r} must be a column such as Airports.faa, "
                f"not {self.to!r}"
            )

    @property
    def to_column(self) -> Column[Any]:
        """The column that is referred to."""
        column = self.to if isinstance(self.to, Column) else self.to.property.columns[0]
        assert isinstance(column, Column)
        return column

    @property
    def text(self) -> str:
        """The rule in words; counts are kept under it."""
        to = self.to_column
        return f"{self.column} is not in {to.table.fullname}.{to.name}: {self.because}"


@dataclass(frozen=True, kw_only=True)
class Unique:
    """Values of `columns` together should come once. Rows with a null among them are left out.

    Args:
        columns: columns of the loaded table.
        on_duplicate: "keep" loads all and counts the rows beyond the first of each group;
            "quarantine" rejects every row of such a group, as nothing says which one is right.
        because: why this is right for this data, in a few words.
    """

    columns: tuple[str, ...]
    on_duplicate: Literal["keep", "quarantine"]
    because: str

    def __post_init__(self) -> None:
        _one_of("Unique.on_duplicate", self.on_duplicate)
        given: object = self.columns
        # A lone text is a sequence too, of letters.
        if not isinstance(given, tuple) or not given:
            raise DeclarationError("Unique.columns must be a tuple of column names")

    @property
    def text(self) -> str:
        """The rule in words; counts are kept under it."""
        return f"({', '.join(self.columns)}) comes more than once: {self.because}"


@dataclass(frozen=True, kw_only=True)
class Coerce:
    """Texts of `column` are converted before they are held against the contract, in the order given here.

    Only for a load with `contract="coerce"`. What is converted is counted; the quarantine shows texts as they
    were offered.

    Args:
        column: a column of the loaded table.
        trim: take white space away at both ends.
        nulls: texts that mean null, such as `("", "NA")`.
        values: what other texts mean, such as `{"yes": "true"}`.
        cut: cut what is longer than the column's longest text.
        because: why this is right for this data, in a few words.
    """

    column: str
    trim: bool = False
    nulls: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    because: str

    def __post_init__(self) -> None:
        if not (self.trim or self.nulls or self.values or self.cut):
            raise DeclarationError(f"Coerce of column {self.column!r} converts nothing")
        given: object = self.nulls
        if not isinstance(given, tuple):
            raise DeclarationError(f"Coerce.nulls of column {self.column!r} must be a tuple of texts")

    @property
    def text(self) -> str:
        """The rule in words; counts are kept under it."""
        return f"{self.column} is converted: {self.because}"


Rule = Coerce | Reference | Unique


def _one_of(what: str, value: str) -> None:
    if value not in ("keep", "quarantine"):
        raise DeclarationError(f'{what} must be "keep" or "quarantine", not {value!r}')
