"""What OpenLineage calls tables and files: a namespace, and a name in it, by its naming specification."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Table
from sqlalchemy.engine import URL

from ..base.tables import table_of
from ..loading.sources import DatabaseSource, OutsideSource, QuerySource, Source, TableSource
from ..targets.target import Target
from .harmless import without_url_secrets
from .reading import tables_read

__all__ = ["DatasetName", "source_name", "table_name"]

# What the specification calls a kind of database, and where it listens by default.
_KINDS = {
    "postgresql": ("postgres", 5432),
    "mariadb": ("mysql", 3306),
    "mysql": ("mysql", 3306),
    "mssql": ("mssql", 1433),
}
_DEFAULT_SCHEMA = {"postgresql": "public", "mssql": "dbo"}


class DatasetName(NamedTuple):
    """The name of a dataset, in its namespace."""

    namespace: str
    name: str


def table_name(target: Target, table: str, schema: str | None) -> DatasetName:
    """A table of a target."""
    kind, port = _KINDS.get(target.dialect, (target.dialect, None))
    place = ":".join(str(part) for part in (_host(target.url), target.url.port or port) if part)
    if target.dialect in ("mariadb", "mysql"):
        parts = [schema or target.url.database, table]
    else:
        parts = [target.url.database, schema or _DEFAULT_SCHEMA.get(target.dialect), table]
    return DatasetName(f"{kind}://{place}", ".".join(filter(None, parts)))


def source_name(source: Source, target: Target) -> list[tuple[DatasetName, Table | None]]:
    """What a source reads, each with its table where that is declared.

    Args:
        source: the source.
        target: the target, in which a source that is no outside one reads.
    """
    match source:
        case TableSource(table=cls):
            tables = [table_of(cls)]
        case QuerySource(statement=statement):
            tables = tables_read(statement)
        case DatabaseSource(database=other, table=table):
            schema, _, name = table.rpartition(".")
            return [(table_name(other, name, schema or None), None)]
        case _:
            return [(_outside(source), None)]
    return [(table_name(target, table.name, table.schema), table) for table in tables]


def _outside(source: OutsideSource) -> DatasetName:
    path: object = getattr(source, "path", None)
    name = str(path.absolute()) if isinstance(path, Path) else without_url_secrets(source.name)
    scheme, colon, rest = name.partition("://")
    if colon:
        place, _, name = rest.partition("/")
        return DatasetName(f"{scheme}://{place}", name or "/")
    if source.extraction_method == "file":
        return DatasetName(f"file://{source.host}" if source.host else "file", name)
    return DatasetName(without_url_secrets(source.system) or "default", name)


def _host(url: URL) -> str:
    host = url.host or url.query.get("host") or ""
    # One that begins with / is a socket's folder.
    if not isinstance(host, str) or not host or host.startswith("/"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
