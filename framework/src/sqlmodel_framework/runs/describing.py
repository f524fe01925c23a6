"""Describe a datakit for an orchestrator, which then needs neither the datakit nor a database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..base.tables import table_of, tables_read
from ..errors import DeclarationError
from ..loading.sources import DatabaseSource, QuerySource, TableSource
from .databases import named_database
from .description import DescribedLoad, DescribedTable, Description, SourceKind
from .ledger import source_text

if TYPE_CHECKING:
    from sqlalchemy import Table

    from ..base.declarations import View
    from ..loading.load import Load

__all__ = ["describe"]


def describe(datakit: Datakit | str) -> Description:
    """Describe a datakit.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.

    Raises:
        DeclarationError: two loads have one layer and one name, or the datakit cannot work.
        DatakitNotFoundError: there is none of that name.
    """
    kit = find_datakit(datakit)
    tables = {table.fullname: table for table in kit.sorted_tables()}
    views = {view.full_name: view for view in kit.views}
    try:
        return Description(
            name=kit.name,
            version=kit.version,
            description=kit.description,
            fingerprint=kit.fingerprint(),
            tables=[_table(tables[name]) for name in sorted(tables)],
            loads=[_load(load, tables, views) for load in kit.loads],
            checks=[check.name for check in kit.checks],
            has_report=kit.report is not None,
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        message = str(first["msg"]).removeprefix("Value error, ")
        raise DeclarationError(
            f"datakit {kit.name!r} cannot be described: {message}",
            hint="an orchestrator tells loads apart by layer and name: give each pair once",
        ) from None


def _table(table: Table) -> DescribedTable:
    return DescribedTable(
        name=table.fullname, key=[column.name for column in table.primary_key], references=_references(table)
    )


def _references(table: Table) -> list[str]:
    referred = {key.target_fullname.rpartition(".")[0] for key in table.foreign_keys}
    return sorted(referred - {table.fullname})


def _load(load: Load, tables: Mapping[str, Table], views: Mapping[str, View]) -> DescribedLoad:
    source = load.source
    reads = set(_references(tables[load.full_table_name]))
    reads |= {rule.to_column.table.fullname for rule in load.references}
    match source:
        case TableSource(table=cls):
            reads.add(table_of(cls).fullname)
        case QuerySource(statement=statement):
            reads |= tables_read(statement)
    return DescribedLoad(
        id=load.id,
        name=load.name,
        layer=load.layer,
        table=load.full_table_name,
        reads=sorted(_without_views(reads, views) - {load.full_table_name}),
        source=source_text(load),
        kind=_kind(load),
        database=named_database(source),
        windowed=isinstance(source, DatabaseSource) and source.watermark is not None,
    )


def _without_views(names: set[str], views: Mapping[str, View]) -> set[str]:
    """The names, with the tables that a view of the datakit reads instead of the view.

    Nothing is known of a view that is written as text.
    """
    found: set[str] = set()
    waiting, seen = set(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in views:
            found.add(name)
        elif name not in seen:
            seen.add(name)
            waiting |= views[name].reads()
    return found


def _kind(load: Load) -> SourceKind:
    match load.source:
        case TableSource():
            return "table"
        case QuerySource():
            return "query"
        case DatabaseSource():
            return "database"
    return "outside"
