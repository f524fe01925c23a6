"""Tables as Airflow's assets: how datakits of different teams start each other."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from airflow.sdk import Asset
from sqlmodel_framework.runs.description import Description

from .configuration import ConfigurationError, Problem
from .declaration import Declaration

__all__ = ["asset_of", "listened_assets"]

SCHEME = "datakit"


def asset_of(connection_id: str, table: str) -> Asset:
    """A table as an asset.

    Args:
        connection_id: the Airflow connection to its database.
        table: `schema.table`.
    """
    path = "/".join(quote(part, safe="") for part in table.split("."))
    return Asset(
        name=f"{connection_id}/{table}",
        uri=f"{SCHEME}://{quote(connection_id, safe='')}/{path}",
        group=SCHEME,
        extra={"connection": connection_id, "table": table},
    )


def listened_assets(description: Description, declaration: Declaration, place: str = "") -> list[Asset]:
    """The assets whose change starts the DAG: tables that are read and not written here, and those listed.

    Args:
        description: the datakit's description.
        declaration: how it runs.
        place: what messages call the declaration.

    Raises:
        ConfigurationError: there is none, or one cannot be read.
    """
    place = place or declaration.dag_id
    written = {table for step in declaration.steps.values() for table in step.tables}
    outside = [table for table in description.outside_reads if table not in written]
    tables = dict.fromkeys((declaration.target, table) for table in outside)
    for listed in declaration.upstream:
        tables[_listed(listed, declaration.target, place)] = None
    if not tables:
        raise ConfigurationError(
            [
                Problem(
                    place,
                    "schedule",
                    'it is "assets", but the datakit reads no table that it does not write itself',
                    "list tables under upstream, or give a cron expression",
                )
            ]
        )
    return [asset_of(connection, table) for connection, table in tables]


def _listed(text: str, target: str, place: str) -> tuple[str, str]:
    if "://" not in text:
        return target, text
    parts = urlsplit(text)
    if parts.scheme != SCHEME or not parts.netloc or not parts.path.strip("/"):
        raise ConfigurationError(
            [
                Problem(
                    place,
                    "upstream",
                    f"{text!r} names no table",
                    f"write schema.table, or {SCHEME}://connection/schema/table",
                )
            ]
        )
    return unquote(parts.netloc), ".".join(unquote(part) for part in parts.path.strip("/").split("/"))
