"""Snapshots of a table whose rows change, go and come again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count as counting
from random import Random
from typing import Any

from sqlmodel import SQLModel

from ..base.models import TemporalTableMixin
from ..base.tables import table_of, unique_keys
from ..errors import DeclarationError
from .draws import drawing
from .parents import GivenParents
from .recipe import MadeRow
from .refusing import refusal
from .rows import check_count, make_rows

__all__ = ["make_history"]

_SHARE = 10
_TRIES = 20


def make_history(
    table: type[SQLModel],
    keys: int,
    changes: int,
    /,
    *,
    seed: int = 0,
    parents: GivenParents | None = None,
    **fixed: Any,
) -> Iterator[list[MadeRow]]:
    """Full snapshots of a table that keeps its history, each for one load with the mode `History()`.

    The first has `keys` rows. In each of the next ones a tenth of the rows, and at least one, is gone, as
    many of those that stay have other values, as many have a new key, and from the third snapshot on one
    key that was gone comes again. Columns of keys never change; those that refer to the table itself are
    null.

    A snapshot is held in memory, as are the values of each key's latest state.

    Args:
        table: the class, with `TemporalTableMixin`.
        keys: how many rows the first snapshot has; at least 1.
        changes: how many snapshots come after it.
        seed: other seeds make other rows.
        parents: what foreign keys refer to, as of `make_rows`.
        **fixed: values by column, as of `make_rows`.

    Raises:
        DeclarationError: as `make_rows`; or the table keeps no history, or its rows must refer to others
            of it.
    """
    name = table_of(table).fullname
    check_count(table, keys)
    check_count(table, changes)
    if not issubclass(table, TemporalTableMixin):
        raise DeclarationError(
            f"{name} keeps no history", hint=f"derive {table.__name__} from TemporalTableMixin", table=name
        )
    if keys < 1:
        raise DeclarationError(f"{name}: a history needs a key", table=name)
    for key in sorted(table_of(table).foreign_keys, key=lambda each: each.parent.name):
        if key.column.table is table_of(table) and key.parent.name not in fixed:
            if not key.parent.nullable:
                raise refusal(
                    table, key.parent.name, "it refers to a row of the same history, which may be gone"
                )
            fixed[key.parent.name] = None
    share = max(1, keys // _SHARE)

    def rows(version: int, number: int) -> Iterator[MadeRow]:
        salted = seed if version == 0 else drawing(f"{seed} {version}").getrandbits(63)
        return make_rows(table, number, seed=salted, parents=parents, **fixed)

    # Whatever can be refused is refused here, before the first snapshot is asked for.
    first = rows(0, keys + changes * share)
    return _Past(table, first, rows).snapshots(keys, changes, share, drawing(f"{seed} {name} history"))


class _Past:
    """What became of each key.

    Args:
        table: the class.
        first: the first state of each key, those included that are yet to come.
        rows: the rows that another version has, whose values later states get, and how many of them.
    """

    def __init__(
        self, table: type[SQLModel], first: Iterator[MadeRow], rows: Callable[[int, int], Iterator[MadeRow]]
    ) -> None:
        self._key_columns = {column.name for key in unique_keys(table_of(table)) for column in key}
        self._states = list(first)
        self._rows = rows
        self._versions = counting(1)

    def snapshots(self, keys: int, changes: int, share: int, random: Random) -> Iterator[list[MadeRow]]:
        present = list(range(keys))
        gone: list[int] = []
        yield self._snapshot(present)
        for change in range(changes):
            leaving = set(random.sample(present, min(share, len(present))))
            present = [number for number in present if number not in leaving]
            back = [random.choice(gone)] if gone else []
            gone = [number for number in gone if number not in back] + sorted(leaving)
            self._change([*random.sample(present, min(share, len(present))), *back])
            start = keys + change * share
            present = sorted([*present, *back, *range(start, start + share)])
            yield self._snapshot(present)

    def _snapshot(self, present: list[int]) -> list[MadeRow]:
        return [dict(self._states[number]) for number in present]

    def _change(self, numbers: Iterable[int]) -> None:
        """Give rows other values, where columns beside the keys have any."""
        left = set(numbers)
        for _ in range(_TRIES):
            if not left:
                return
            for number, other in enumerate(self._rows(next(self._versions), max(left) + 1)):
                if number in left:
                    state = self._states[number]
                    kept = {name: state[name] for name in state if name in self._key_columns}
                    if state != other | kept:
                        self._states[number] = other | kept
                        left.discard(number)
