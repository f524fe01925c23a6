"""One change to a target, with the statements that make it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Change", "Phase", "Step"]


class Phase(IntEnum):
    """The order in which statements are carried out, whatever change they belong to.

    What others stand on comes first and goes last; what needs no transaction, or must not have one,
    comes after everything else.
    """

    SCHEMAS = 0
    TYPES = 1
    RENAMES = 2
    CLEARING = 3
    TABLES = 4
    COLUMNS = 5
    KEYS = 6
    INDEXES = 7
    ROUTINES = 8
    ROWS = 9
    FOREIGN_KEYS = 10
    TRIGGERS = 11
    VIEWS = 12
    GRANTS = 13
    DROPS = 14
    AFTERWARDS = 15


@dataclass(frozen=True, slots=True)
class Step:
    """One statement.

    Attributes:
        sql: the statement, without a semicolon at its end.
        phase: when it is carried out.
        alone: whether it must stand outside of a transaction.
    """

    sql: str
    phase: Phase
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One change.

    Attributes:
        action: what is done, such as "add column".
        name: the full name of what it is done to.
        steps: the statements.
        detail: more for people, such as "text, declared varchar(3)"; or "".
        loss: what would be lost, counted, such as "12 values"; or "" for a change that destroys nothing.
            A change with a loss is refused unless it is allowed by its id.
        blocked: why it cannot be done as the data stands, such as "3 rows are null"; or "".
        effect: what it does to those who use the table meanwhile, such as "rewrites the table"; or "".
    """

    action: str
    name: str
    steps: tuple[Step, ...]
    detail: str = ""
    loss: str = ""
    blocked: str = ""
    effect: str = ""

    @property
    def id(self) -> str:
        """What allows the change by name: its action and its object."""
        return f"{self.action} {self.name}"
