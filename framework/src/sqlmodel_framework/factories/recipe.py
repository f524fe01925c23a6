"""How the rows of a table are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import Column
from sqlmodel import SQLModel

from ..base.models import BronzeTableMixin, ReferenceTableMixin
from ..base.tables import is_generated, table_of, unique_keys
from ..errors import DeclarationError
from ..loading.contract import Bound, Parent, contract_of
from .checks import bounds_of_checks, columns_of_check
from .columns import domain_of
from .domains import Domain, listed
from .draws import drawing
from .groups import BLOCK, Group, keep_apart
from .limits import Limits
from .meta import FieldFacts, facts_of
from .parents import Parents, one_by_one
from .refusing import refusal

__all__ = ["MadeRow", "Recipe", "is_left_out"]

MadeRow = dict[str, Any]
"""A row: values by the names of columns."""


class Recipe:
    """The rows of a table: any number of times the same, and each row for itself.

    Args:
        table: the class.
        count: how many rows.
        seed: other seeds make other rows.
        parents: what foreign keys refer to.
        fixed: values by column, or callables of the row so far and of a `Random`.

    Raises:
        DeclarationError: rows that the table would take cannot be made up.
    """

    def __init__(
        self, table: type[SQLModel], count: int, seed: int, parents: Parents, fixed: Mapping[str, Any]
    ) -> None:
        self.table = table
        self.count = count
        self._name = table_of(table).fullname
        self._seed = seed
        self._parents = parents
        self._check_fixed(fixed)
        self._callables: dict[str, Callable[..., Any]] = {
            name: value for name, value in fixed.items() if callable(value)
        }
        self._constants = {name: value for name, value in fixed.items() if not callable(value)}
        made = [c for c in table_of(table).columns if c.name in fixed or not is_left_out(table, c)]
        self._facts = {column.name: facts_of(table, column) for column in made if column.name not in fixed}
        self._wanted = {column.name: column for column in made}
        self._in_keys = {column.name for key in unique_keys(table_of(table)) for column in key}
        self._groups: dict[str, Group] = {}
        self._refer()
        self._fill_up()
        self._keep_keys()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rows have, in the order in which they have them."""
        return (*(name for name in self._wanted if name not in self._callables), *self._callables)

    def rows(self) -> Iterator[MadeRow]:
        """The rows, one after another."""
        names = [name for name in self._wanted if name not in self._callables]
        draws = {name: drawing(self._salt(name)) for name in self._callables}
        for start in range(0, self.count, BLOCK):
            stop = min(start + BLOCK, self.count)
            columns = self._block(start, stop)
            for values in (
                zip(*(columns[name] for name in names), strict=True) if names else repeat((), stop - start)
            ):
                row = dict(zip(names, values, strict=True))
                for name, call in self._callables.items():
                    row[name] = call(row, draws[name])
                yield row

    def key(self, columns: tuple[str, ...]) -> Domain | None:
        """What the rows have in these columns, of any row without making those before it."""
        if not set(columns) <= self._wanted.keys():
            return None
        if set(columns) & self._callables.keys():
            # Nobody but the callable knows, and it may draw from what came before.
            made = cache(lambda: [one_by_one([row[name] for name in columns]) for row in self.rows()])
            return Domain(self.count, lambda row: made()[row])
        if len(columns) == 1:
            return Domain(self.count, self._value_of(columns[0]))
        values = [self._value_of(name) for name in columns]
        return Domain(self.count, lambda row: tuple(value(row) for value in values))

    def _value_of(self, column: str) -> Callable[[int], Any]:
        if column in self._constants:
            constant = self._constants[column]
            return lambda _row: constant
        group = self._groups[column]
        if len(group.columns) == 1:
            return group.value
        place = group.columns.index(column)

        def value(row: int) -> Any:
            found = group.value(row)
            return None if found is None else found[place]

        return value

    def _block(self, start: int, stop: int) -> dict[str, Any]:
        """The values of some rows, by column."""
        columns: dict[str, Any] = {
            name: repeat(value, stop - start) for name, value in self._constants.items()
        }
        for group in dict.fromkeys(self._groups.values()):
            values = group.values(start, stop)
            if len(group.columns) == 1:
                columns[group.columns[0]] = values
                continue
            nothing = (None,) * len(group.columns)
            columns |= zip(
                group.columns, zip(*(each or nothing for each in values), strict=True), strict=True
            )
        return columns

    def _salt(self, *parts: str) -> str:
        return " ".join([str(self._seed), self._name, *parts])

    def _check_fixed(self, fixed: Mapping[str, Any]) -> None:
        unknown = [name for name in fixed if name not in table_of(self.table).columns]
        if unknown:
            raise DeclarationError(
                f"{self._name} has no column {unknown[0]!r} to give a value for",
                hint=f"its columns: {', '.join(table_of(self.table).columns.keys())}",
                table=self._name,
                column=unknown[0],
            )

    def _refer(self) -> None:
        """Give foreign keys the keys of rows of their parents."""
        parents = contract_of(self.table, self._wanted).parents
        # What a longer key refers to settles what the shorter ones in it refer to.
        for parent in sorted(parents, key=lambda each: (-len(each.columns), each.columns)):
            given = [name for name in parent.columns if name in self._constants or name in self._callables]
            known = [*given, *(name for name in parent.columns if name in self._groups)]
            if len(given) == len(parent.columns) or (
                len(known) == len(parent.columns) and self._follows(parent)
            ):
                continue
            if known:
                raise refusal(
                    self.table,
                    next(name for name in parent.columns if name not in given),
                    f"it refers to {parent.to[0].table.fullname} together with {known[0]}, "
                    "which is given a value already",
                )
            self._add(self._reference(parent))

    def _follows(self, parent: Parent) -> bool:
        """Whether a foreign key holds because another one does, whose row refers to the same one."""
        group = self._groups.get(parent.columns[0])
        if group is None or not set(parent.columns) <= set(group.columns):
            return False
        for other in contract_of(self.table, self._wanted).parents:
            if other.columns != group.columns:
                continue
            between = dict(zip(other.columns, other.to, strict=True))
            refers = [between[name] for name in parent.columns]
            return all(
                any(key.column is to for key in column.foreign_keys)
                for column, to in zip(refers, parent.to, strict=True)
            )
        return False

    def _reference(self, parent: Parent) -> Group:
        to = tuple(column.name for column in parent.to)
        name = parent.to[0].table.fullname
        nullable = all(self._wanted[column].nullable for column in parent.columns)
        salt = self._salt(*parent.columns)
        in_keys = bool(self._in_keys & set(parent.columns))
        if name == self._name:
            if set(to) <= self._wanted.keys() and not set(to) & self._callables.keys():
                domain = Domain(self.count, lambda row: self._own(to, row))
                return Group(parent.columns, domain, salt, nullable=nullable, earlier=True)
            found = None
        else:
            referred = self._parents.get(name)
            found = None if referred is None else referred.key(to)
        if found is not None and found.size:
            # Where a row must be told from others, null would not do.
            return Group(parent.columns, found, salt, nullable=nullable and not in_keys, of_key=in_keys)
        if nullable:
            return Group(parent.columns, listed([None]), salt)
        is_there = name == self._name or name in self._parents
        known = "keys" if found is None and is_there else "rows"
        raise refusal(
            self.table,
            parent.columns[0],
            f"no {known} of {name} are known, to which it refers by {', '.join(to)}",
        )

    def _own(self, columns: tuple[str, ...], row: int) -> Any:
        return one_by_one([self._value_of(name)(row) for name in columns])

    def _fill_up(self) -> None:
        """Give every other column its own values."""
        contract = contract_of(self.table, self._wanted)
        from_checks, unsolved = bounds_of_checks(table_of(self.table))
        for check in unsolved:
            columns = columns_of_check(check, table_of(self.table))
            made = [name for name in columns if name in self._facts]
            # Who gives one of the values sees to the check.
            if made and len(made) == len([name for name in columns if name in self._wanted]):
                raise refusal(
                    self.table, made[-1], f"the check {check.name} is more than bounds: {check.sqltext}"
                )
        for name, column in self._wanted.items():
            if name not in self._groups and name in self._facts:
                facts = self._facts[name]
                bounds = [b for b in (*contract.bounds, *from_checks) if b.column == name]
                self._add(self._alone(column, facts, [*bounds, *facts.bounds]))

    def _alone(self, column: Column[Any], facts: FieldFacts, bounds: list[Bound]) -> Group:
        salt = self._salt(column.name)
        key = column.name in self._in_keys
        domain = domain_of(
            self.table, column, facts, Limits.of(bounds), key=key, random=drawing(f"{salt} values")
        )
        return Group((column.name,), domain, salt, nullable=facts.nullable and not key, of_key=key)

    def _add(self, group: Group) -> None:
        self._groups |= dict.fromkeys(group.columns, group)

    def _keep_keys(self) -> None:
        """Let the rows differ in every key that their columns make up."""
        for key in unique_keys(table_of(self.table)):
            names = [column.name for column in key]
            if not set(names) <= self._wanted.keys() or set(names) & self._callables.keys():
                continue
            groups = list(dict.fromkeys(self._groups[name] for name in names if name in self._groups))
            given = [self._constants[name] for name in names if name in self._constants]
            if None in given or any(self._is_null(group) for group in groups):
                continue
            whole = [group for group in groups if set(group.columns) <= set(names) and not group.earlier]
            apart = keep_apart(whole, self.count)
            if apart < self.count:
                raise refusal(
                    self.table,
                    names[0],
                    f"{self.count:,} rows would need as many values of the key ({', '.join(names)}), "
                    f"and {apart:,} are known",
                )

    @staticmethod
    def _is_null(group: Group) -> bool:
        return group.domain.size == 1 and group.domain.at(0) is None


def is_left_out(table: type[SQLModel], column: Column[Any]) -> bool:
    """Whether rows come without a column.

    The database or a load fills it, or it says since when a row is out of use.
    """
    if issubclass(table, BronzeTableMixin) and column.name in BronzeTableMixin.model_fields:
        return True
    if issubclass(table, ReferenceTableMixin) and column.name in ReferenceTableMixin.model_fields:
        return True
    return column.default is None and is_generated(table, column)
