"""What a database is given so that it keeps a table's times and history true by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Table

from .snapshot import RoutineShape, TriggerShape

__all__ = ["Upkeep"]


@dataclass(frozen=True)
class Upkeep:
    """What belongs to a table besides the table.

    Attributes:
        tables: companions, such as the table of past rows; in a MetaData of their own.
        routines: functions that triggers call, by full name.
        triggers: triggers of the table itself, by name.
        versioned: whether the database itself keeps the history of its rows.
    """

    tables: tuple[Table, ...] = ()
    routines: Mapping[str, RoutineShape] = field(default_factory=dict)
    triggers: Mapping[str, TriggerShape] = field(default_factory=dict)
    versioned: bool = False
