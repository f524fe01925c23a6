"""A datakit: the tables of a data product, and what is done with them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import MetaData, Table
from sqlalchemy.schema import sort_tables_and_constraints
from sqlalchemy.sql.expression import Select
from sqlmodel import SQLModel

from ..errors import DeclarationError
from .agreement import check_declarations
from .declarations import Allow, Rename, Rows, View
from .definition import definitions
from .tables import copied, full_name, natural_key, table_of, tables_in

if TYPE_CHECKING:
    from ..loading.load import Load
    from ..runs.result import ReportContext

__all__ = ["Check", "Datakit"]

_TUPLES = ("tables", "loads", "checks", "views", "grants", "rows", "renames")
_KINDS: dict[str, Any] = {"views": View, "grants": Allow, "rows": Rows, "renames": Rename}
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something that must hold after the loads.

    Args:
        name: what a report calls it.
        statement: a query that returns one number: how many rows break it. 0 is good.
        because: what it protects, in a few words.
        keeps_size_of: a table class: when the run succeeds, the ledger keeps how many rows its table has.
    """

    name: str
    statement: Select[Any]
    because: str
    keeps_size_of: type[SQLModel] | None = None


@dataclass(frozen=True, kw_only=True)
class Datakit:
    """The tables of a data product, the loads that fill them, and the checks that must hold.

    Args:
        name: lower-case letters, digits, `-` and `_`; starts with a letter.
        version: of the datakit.
        description: one line for people.
        tables: table classes, or modules: of a module, the table classes among its names that were
            defined in it, or below it if it is a package.
        loads: run in this order.
        checks: run after the loads.
        report: writes a report of a run into a folder and returns its path.
        views: made in this order, after the tables.
        grants: rights on tables, views and schemas.
        rows: what reference tables must hold.
        renames: what had another name before; nothing is ever guessed to be renamed.

    Raises:
        DeclarationError: the name is not allowed; what must be a tuple is none; a view, right, row or
            rename does not go together with the tables.
    """

    name: str
    version: str
    description: str = ""
    tables: tuple[type[SQLModel] | ModuleType, ...] = ()
    loads: tuple[Load, ...] = ()
    checks: tuple[Check, ...] = ()
    report: Callable[[ReportContext], Path] | None = None
    views: tuple[View, ...] = ()
    grants: tuple[Allow, ...] = ()
    rows: tuple[Rows, ...] = ()
    renames: tuple[Rename, ...] = ()

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise DeclarationError(
                f"a datakit cannot be called {self.name!r}",
                hint="use lower-case letters, digits, - and _, and start with a letter",
            )
        for argument in _TUPLES:
            value = getattr(self, argument)
            if not isinstance(value, tuple):
                raise DeclarationError(
                    f"datakit {self.name!r}: {argument} is a {type(value).__name__}, not a tuple",
                    hint=f"a tuple of one needs a comma: {argument}=(one,)",
                )
        for argument, kind in _KINDS.items():
            for item in getattr(self, argument):
                if not isinstance(item, kind):
                    raise DeclarationError(f"datakit {self.name!r}: {item!r} is not one of its {argument}")
        if self.views or self.grants or self.rows or self.renames:
            tables = {table_of(cls).fullname: table_of(cls) for cls in self.table_classes()}
            check_declarations(self.name, tables, self.views, self.grants, self.rows, self.renames)

    def table_classes(self) -> tuple[type[SQLModel], ...]:
        """The table classes, each once, in declared order.

        Raises:
            DeclarationError: there is none; one is not a table; two are of one name; a reference
                table has no natural key; a load goes into a table that is not among them.
        """
        classes: dict[type[SQLModel], None] = {}
        for item in self.tables:
            for cls in tables_in(item) if isinstance(item, ModuleType) else [item]:
                table_of(cls)
                classes[cls] = None
        if not classes:
            raise DeclarationError(
                f"datakit {self.name!r} has no tables",
                hint="name table classes, or modules that define some, in Datakit(tables=(...))",
            )
        by_name: dict[str, type[SQLModel]] = {}
        for cls in classes:
            # SQLAlchemy would keep the first of them and say nothing.
            other = by_name.setdefault(table_of(cls).fullname, cls)
            if other is not cls:
                raise DeclarationError(
                    f"{full_name(other)} and {full_name(cls)} both declare {table_of(cls).fullname}",
                    hint="give one of them another __tablename__ or schema",
                    table=table_of(cls).fullname,
                )
            self._check_natural_key(cls)
        for load in self.loads:
            if load.table not in classes:
                raise DeclarationError(
                    f"datakit {self.name!r}: load {load.name!r} goes into {load.full_table_name}, "
                    "which is not among the datakit's tables",
                    hint=f"add {load.table.__name__} to Datakit(tables=(...))",
                )
        return tuple(classes)

    def metadata(self) -> MetaData:
        """A MetaData of its own that holds the datakit's tables and no others.

        Raises:
            DeclarationError: as `table_classes`, or a foreign key points out of the datakit.
        """
        classes = self.table_classes()
        own = MetaData(naming_convention=table_of(classes[0]).metadata.naming_convention)
        for cls in classes:
            copied(table_of(cls), own)
        self._refuse_outsiders(own.tables)
        return own

    def sorted_tables(self) -> list[Table]:
        """The tables, each after those that it refers to, as far as there is no circle.

        They are those of the classes themselves, to be read only; of classes of several MetaData they
        are copies, since a foreign key finds its table in its own.

        Raises:
            DeclarationError: as `metadata`.
        """
        return list(self._sorted)

    @cached_property
    def _sorted(self) -> tuple[Table, ...]:
        tables = {table_of(cls).fullname: table_of(cls) for cls in self.table_classes()}
        if len({table.metadata for table in tables.values()}) > 1:
            tables = dict(self.metadata().tables)
        else:
            self._refuse_outsiders(tables)
        # A circle is nothing to warn of: keys are made after all tables.
        order: Callable[[list[Table]], list[tuple[Table | None, object]]] = sort_tables_and_constraints
        ordered = order([tables[name] for name in sorted(tables)])
        return tuple(table for table, _ in ordered if table is not None)

    def _refuse_outsiders(self, tables: Mapping[str, Table]) -> None:
        for table in tables.values():
            for key in table.foreign_keys:
                referred = key.target_fullname.rpartition(".")[0]
                if referred not in tables:
                    raise DeclarationError(
                        f"{table.fullname}.{key.parent.name} refers to {referred}, "
                        f"which is not among the tables of datakit {self.name!r}",
                        hint="add its class to Datakit(tables=(...))",
                        table=table.fullname,
                        column=key.parent.name,
                    )

    def fingerprint(self) -> str:
        """SHA-256, in hex, over the name, the version, the tables and what is declared beside them."""
        lines = [self.name, self.version, *definitions(self.sorted_tables())]
        lines += self._definitions_beside_tables()
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _definitions_beside_tables(self) -> list[str]:
        from sqlalchemy.dialects import postgresql

        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        lines = [
            f"view {view.full_name} {view.materialized} {view.comment} {view.sql(dialect)}"
            for view in self.views
        ]
        lines += [f"allow {', '.join(g.privileges)} on {g.kind} {g.name} to {g.to}" for g in self.grants]
        for item in self.rows:
            name = table_of(item.model).fullname
            lines += [f"row of {name} {sorted(item.values(row).items())}" for row in item.rows]
        return lines

    @staticmethod
    def _check_natural_key(cls: type[SQLModel]) -> None:
        if getattr(cls, "datakit_needs_natural_key", False) and natural_key(cls) is None:
            table = table_of(cls)
            raise DeclarationError(
                f"reference table {table.fullname} ({cls.__name__}) has no natural key",
                hint="make the column that identifies a row in the data primary_key=True or unique=True",
                table=table.fullname,
            )
