"""Whether what a datakit declares beside its tables goes together with them."""

from __future__ import annotations

from sqlalchemy import Table
from sqlmodel import SQLModel

from ..errors import DeclarationError
from .declarations import Allow, Rename, RenameTable, Rows, View
from .tables import full_name, table_of

__all__ = ["check_declarations"]


def check_declarations(
    name: str,
    tables: dict[str, Table],
    views: tuple[View, ...],
    grants: tuple[Allow, ...],
    rows: tuple[Rows, ...],
    renames: tuple[Rename, ...],
) -> None:
    """Refuse declarations that do not go together.

    Args:
        name: of the datakit.
        tables: its tables, by full name.
        views: see `Datakit`; so are the others.
        grants: rights.
        rows: reference rows.
        renames: declared renames.

    Raises:
        DeclarationError: one names something that is not the datakit's, or says what another one denies.
    """
    where = f"datakit {name!r}"
    _check_views(where, tables, views)
    for right in grants:
        if isinstance(right.on, View):
            if not any(view is right.on for view in views):
                raise DeclarationError(f"{where}: a right on view {right.name}, which is not among its views")
        elif right.on is not None:
            _own(where, "a right", right.on, tables)
    seen: set[type[SQLModel]] = set()
    for item in rows:
        _own(where, "rows", item.model, tables)
        if item.model in seen:
            raise DeclarationError(f"{where}: rows of {full_name(item.model)} are declared twice")
        seen.add(item.model)
    _check_renames(where, tables, renames)


def _check_views(where: str, tables: dict[str, Table], views: tuple[View, ...]) -> None:
    known = dict.fromkeys(tables, "a table")
    for view in views:
        if view.full_name in known:
            raise DeclarationError(f"{where}: view {view.full_name} has the name of {known[view.full_name]}")
        strange = sorted(view.reads() - known.keys())
        if strange:
            raise DeclarationError(
                f"{where}: view {view.full_name} reads {', '.join(strange)}, "
                "which is neither among its tables nor among the views before it",
                hint="add the table to Datakit(tables=(...)), or write the query as SQL text",
            )
        known[view.full_name] = "another view"


def _check_renames(where: str, tables: dict[str, Table], renames: tuple[Rename, ...]) -> None:
    sources: set[tuple[str, str]] = set()
    goals: set[tuple[str, str]] = set()
    for item in renames:
        if isinstance(item, RenameTable):
            _own(where, "a rename", item.to, tables)
            source, goal = (item.old, ""), (table_of(item.to).fullname, "")
            still_there = item.old in tables
        else:
            _own(where, "a rename", item.table, tables)
            declared = table_of(item.table)
            source, goal = (declared.fullname, item.old), (declared.fullname, item.new)
            if item.new not in declared.columns:
                raise DeclarationError(
                    f"{where}: a rename of {item.old} to {item.new}, which {declared.fullname} does not have",
                    table=declared.fullname,
                    column=item.new,
                )
            still_there = item.old in declared.columns
        if still_there:
            raise DeclarationError(
                f"{where}: a rename of {_dotted(source)}, which is still declared",
                hint="what was renamed is declared under its new name only",
                table=source[0],
                column=source[1] or None,
            )
        if source in sources or goal in goals:
            raise DeclarationError(
                f"{where}: {_dotted(source if source in sources else goal)} is renamed twice",
                table=source[0],
            )
        sources.add(source)
        goals.add(goal)


def _own(where: str, what: str, model: type[SQLModel], tables: dict[str, Table]) -> None:
    declared = table_of(model)
    if tables.get(declared.fullname) is not declared:
        raise DeclarationError(
            f"{where}: {what} of {full_name(model)}, which is not among its tables",
            hint=f"add {model.__name__} to Datakit(tables=(...))",
            table=declared.fullname,
        )


def _dotted(place: tuple[str, str]) -> str:
    return ".".join(filter(None, place))
