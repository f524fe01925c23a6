"""Which columns of a table get their values together, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Column
from sqlmodel import SQLModel

from ..base.partitions import MAXIMUM, MINIMUM, REST, Partitions
from ..base.tables import table_of, unique_keys
from ..loading.contract import Bound, Parent, contract_of
from .checks import bounds_of_checks, columns_of_check
from .columns import domain_of
from .domains import Domain, listed
from .draws import drawing
from .groups import Group, keep_apart
from .limits import Limits
from .meta import FieldFacts, facts_of
from .parents import Parents, one_by_one
from .refusing import refusal

__all__ = ["Grouping"]

_NOTHING = listed([None])


class Grouping:
    """The groups of a table's columns, of which a row is put together.

    Args:
        table: the class.
        count: how many rows there are.
        wanted: the columns that they have, by name.
        salt: what tells the table and the seed from others.
        parents: what foreign keys refer to.
        fixed: values that are given, by column.

    Attributes:
        groups: for each column that no value is given for, its group.

    Raises:
        DeclarationError: no values can be made up for a column.
    """

    def __init__(
        self,
        table: type[SQLModel],
        count: int,
        wanted: Mapping[str, Column[Any]],
        salt: str,
        parents: Parents,
        fixed: Mapping[str, Any],
    ) -> None:
        self.groups: dict[str, Group] = {}
        self._table = table
        self._name = table_of(table).fullname
        self._count = count
        self._wanted = wanted
        self._salt = salt
        self._parents = parents
        self._fixed = fixed
        self._facts = {name: facts_of(table, column) for name, column in wanted.items() if name not in fixed}
        self._in_keys = {column.name for key in unique_keys(table_of(table)) for column in key}
        self._refer()
        self._fill_up()
        self._keep_keys()
        self._refuse_partitions()

    def value_of(self, column: str) -> Callable[[int], Any]:
        """What a row has in a column, by the row's number; not for those that a callable makes."""
        if column in self._fixed:
            constant = self._fixed[column]
            return lambda _row: constant
        group = self.groups[column]
        if len(group.columns) == 1:
            return group.value
        place = group.columns.index(column)

        def value(row: int) -> Any:
            found = group.value(row)
            return None if found is None else found[place]

        return value

    def _refer(self) -> None:
        """Give foreign keys the keys of rows of their parents."""
        parents = contract_of(self._table, self._wanted).parents
        # What a longer key refers to settles what the shorter ones in it refer to.
        for parent in sorted(parents, key=lambda each: (-len(each.columns), each.columns)):
            given = [name for name in parent.columns if name in self._fixed]
            known = [*given, *(name for name in parent.columns if name in self.groups)]
            if len(given) == len(parent.columns) or (
                len(known) == len(parent.columns) and self._follows(parent)
            ):
                continue
            if known:
                raise refusal(
                    self._table,
                    next(name for name in parent.columns if name not in given),
                    f"it refers to {parent.to[0].table.fullname} together with {known[0]}, "
                    "which is given a value already",
                )
            self._add(self._reference(parent))

    def _follows(self, parent: Parent) -> bool:
        """Whether a foreign key holds because another one does, whose row refers to the same one."""
        group = self.groups.get(parent.columns[0])
        if group is None or not set(parent.columns) <= set(group.columns):
            return False
        for other in contract_of(self._table, self._wanted).parents:
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
        salt = " ".join([self._salt, *parent.columns])
        in_keys = bool(self._in_keys & set(parent.columns))
        if name == self._name:
            if set(to) <= self._wanted.keys() and not any(callable(self._fixed.get(column)) for column in to):
                domain = Domain(self._count, lambda row: self._own(to, row))
                return Group(parent.columns, domain, salt, nullable=nullable, earlier=True)
            found = None
        else:
            referred = self._parents.get(name)
            found = None if referred is None else referred.key(to)
        if found is not None and found.size:
            # Where a row must be told from others, null would not do.
            return Group(parent.columns, found, salt, nullable=nullable and not in_keys, of_key=in_keys)
        if nullable:
            return Group(parent.columns, _NOTHING, salt)
        is_there = name == self._name or name in self._parents
        known = "keys" if found is None and is_there else "rows"
        raise refusal(
            self._table,
            parent.columns[0],
            f"no {known} of {name} are known, to which it refers by {', '.join(to)}",
        )

    def _own(self, columns: tuple[str, ...], row: int) -> Any:
        return one_by_one([self.value_of(name)(row) for name in columns])

    def _fill_up(self) -> None:
        """Give every other column its own values."""
        contract = contract_of(self._table, self._wanted)
        from_checks, unsolved = bounds_of_checks(table_of(self._table))
        for check in unsolved:
            columns = columns_of_check(check, table_of(self._table))
            made = [name for name in columns if name in self._facts]
            # Who gives one of the values sees to the check.
            if made and len(made) == len([name for name in columns if name in self._wanted]):
                raise refusal(
                    self._table, made[-1], f"the check {check.name} is more than bounds: {check.sqltext}"
                )
        for name, column in self._wanted.items():
            if name not in self.groups and name in self._facts:
                facts = self._facts[name]
                bounds = [b for b in (*contract.bounds, *from_checks) if b.column == name]
                self._add(self._alone(column, facts, [*bounds, *facts.bounds]))

    def _alone(self, column: Column[Any], facts: FieldFacts, bounds: list[Bound]) -> Group:
        salt = f"{self._salt} {column.name}"
        key = column.name in self._in_keys
        domain = domain_of(
            self._table, column, facts, Limits.of(bounds), key=key, random=drawing(f"{salt} values")
        )
        return Group((column.name,), domain, salt, nullable=facts.nullable and not key, of_key=key)

    def _add(self, group: Group) -> None:
        self.groups |= dict.fromkeys(group.columns, group)

    def _keep_keys(self) -> None:
        """Let the rows differ in every key that their columns make up."""
        for key in unique_keys(table_of(self._table)):
            names = [column.name for column in key]
            if not set(names) <= self._wanted.keys() or any(
                callable(self._fixed.get(name)) for name in names
            ):
                continue
            groups = list(dict.fromkeys(self.groups[name] for name in names if name in self.groups))
            given = [self._fixed[name] for name in names if name in self._fixed]
            if None in given or any(group.domain is _NOTHING for group in groups):
                continue
            whole = [group for group in groups if set(group.columns) <= set(names) and not group.earlier]
            apart = keep_apart(whole, self._count)
            if apart < self._count:
                raise refusal(
                    self._table,
                    names[0],
                    f"{self._count:,} rows would need as many values of the key ({', '.join(names)}), "
                    f"and {apart:,} are known",
                )

    def _refuse_partitions(self) -> None:
        """Refuse a table some of whose values would lie in no partition."""
        parts: Partitions | None = getattr(self._table, "__partitions__", None)
        if parts is None or parts.method == "HASH" or set(parts.columns) & self._fixed.keys():
            return
        bounds = " ".join(parts.bounds.values())
        if REST not in parts.bounds.values() and not (MINIMUM in bounds and MAXIMUM in bounds):
            raise refusal(self._table, parts.columns[0], "the partitions do not take every value")
