"""The states of a table's rows as something to select from, in each database's own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from sqlalchemy import Select, and_, select, union_all
from sqlalchemy import Table as SqlTable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import BindParameter, _truncated_label
from sqlalchemy.sql.selectable import AliasedReturnsRows, FromClauseAlias
from sqlalchemy.sql.visitors import InternalTraversal

from .companion import history_table, needed_interval

__all__ = ["States"]

# What the compiler says to an alias about itself, and not about what is inside.
_OF_THE_ALIAS = ("enclosing_alias", "lateral", "fromhints", "ashint", "iscrud", "subquery")

# A moment is no parameter of the table, so it is compiled like any other value.
_AT: Any = ("at", InternalTraversal.dp_clauseelement)


class States(FromClauseAlias[Any]):
    """The states of a table's rows: those that held at a moment, or all.

    Where the database keeps the history itself it is asked in its own words; elsewhere the table
    and its companion are put together.
    """

    inherit_cache = True
    _traverse_internals = [*AliasedReturnsRows._traverse_internals, _AT]  # noqa: RUF012 - SQLAlchemy declares it so

    element: SqlTable
    at: BindParameter[Any] | None

    @classmethod
    def of(cls, table: SqlTable, at: BindParameter[Any] | None = None) -> States:
        """The states of a table.

        Args:
            table: one that keeps its history.
            at: the moment; None for all states.

        Raises:
            DeclarationError: the table keeps no history.
        """
        needed_interval(table)
        states = cls._construct(table)
        states.at = at
        return states


def _together(states: States) -> Any:
    """Present and past states, by SQL that any database understands."""
    table, at = states.element, states.at
    past = history_table(table)
    start, end = needed_interval(table)
    names = [column.name for column in table.columns]

    def part(of: SqlTable, *held: Any) -> Select[Any]:
        columns = {column.name: column for column in of.columns}
        return select(*(columns[name] for name in names)).where(*held)

    if at is None:
        return union_all(part(table), part(past))
    past_end = next(column for column in past.columns if column.name == end.name)
    past_start = next(column for column in past.columns if column.name == start.name)
    return union_all(part(table, start <= at), part(past, and_(past_start <= at, past_end > at)))


@compiles(States)
def _compile(states: States, compiler: Any, **kw: Any) -> str:
    return _in_from(
        states, compiler, lambda **inner: f"({compiler.process(_together(states), **inner)})", **kw
    )


@compiles(States, "mariadb", "mysql", "mssql")
def _compile_natively(states: States, compiler: Any, **kw: Any) -> str:
    def period(**inner: Any) -> str:
        table = compiler.process(states.element, **inner)
        if states.at is None:
            return f"{table} FOR SYSTEM_TIME ALL"
        return f"{table} FOR SYSTEM_TIME AS OF {compiler.process(states.at, **inner)}"

    return _in_from(states, compiler, period, **kw)


def _in_from(
    states: States,
    compiler: Any,
    source: Callable[..., str],
    asfrom: bool = False,
    from_linter: Any = None,
    **kw: Any,
) -> str:
    """The name, or in a FROM clause what it stands for and the name: as SQLAlchemy's own aliases do."""
    name = states.name
    if isinstance(name, _truncated_label):
        name = compiler._truncated_identifier("alias", name)
    formatted = str(compiler.preparer.format_alias(states, name))
    if not asfrom:
        return formatted
    if from_linter is not None:
        from_linter.froms[cast("Any", states)._de_clone()] = name
    inner = {key: value for key, value in kw.items() if key not in _OF_THE_ALIAS}
    return f"{source(asfrom=True, **inner)}{compiler.get_render_as_alias_suffix(formatted)}"
