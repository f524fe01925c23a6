"""Tables for a database that has no schemas."""

from __future__ import annotations

from sqlalchemy import MetaData

from ..base.tables import copied

__all__ = ["without_schemas"]


def without_schemas(metadata: MetaData) -> MetaData:
    """The same tables with their schema as the first part of their name: `silver.airport` is one name.

    So tables of one name in two schemas stay apart, foreign keys between schemas hold, and all of it is
    one file and one transaction; a file for each schema (SQLite's ATTACH) has neither keys nor a
    transaction across. A table in the default schema keeps its name.

    The type of an enum and whatever else has a schema of its own is left as it is: a database without
    schemas has no such objects.
    """
    flat = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        # A foreign key names `schema.table.column`, which is where SQLAlchemy finds the flat table too.
        copied(
            table,
            flat,
            schema=None,
            name=table.fullname,
            referred_schema_fn=lambda _table, _schema, _key, referred: referred,
        )
    return flat
