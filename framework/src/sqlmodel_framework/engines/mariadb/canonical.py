"""What a declaration means to MariaDB: it is made as a temporary table, and the server is asked what it is.

A temporary table takes no lock that anybody meets, and neither making nor removing it ends a transaction. The
catalog does not tell of it, so its columns, its indexes and its statement are shown one table at a time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateTable

from ...schema.declared import Declared
from ...schema.dialects import offline
from ...schema.snapshot import CheckShape, ColumnShape, IndexShape, TableShape
from .ddl import bounds_of, collation_of, index_kind, prepared
from .shapes import column_shape, indexes_from

__all__ = ["canonical_tables", "words_of"]

_NAME = "datakit_meaning"
_PIECE = re.compile(r"`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|\s+|[(),]|[^\s`'(),]+", re.DOTALL)


def canonical_tables(
    connection: Connection, declared: Declared, names: Collection[str]
) -> Mapping[str, TableShape]:
    """The shapes of declared tables, in MariaDB's own words."""
    shapes = declared.snapshot.tables
    return {name: _canonical(connection, declared.tables[name], shapes[name]) for name in names}


def _canonical(connection: Connection, table: Table, raw: TableShape) -> TableShape:
    dialect = offline(connection.dialect)
    bounds = bounds_of(table)
    copy = prepared(table, name=_NAME)
    for option in [each for each in copy.kwargs if "partition" in each]:
        # A temporary table cannot be cut into partitions.
        del copy.kwargs[option]
    for column in copy.columns:
        column.info.pop("datakit", None)
    place = dialect.identifier_preparer.format_table(copy)
    create = str(CreateTable(copy, include_foreign_key_constraints=[]).compile(dialect=dialect)).strip()
    _run(connection, f"DROP TEMPORARY TABLE IF EXISTS {place}")
    try:
        _run(connection, create.replace("CREATE TABLE", "CREATE TEMPORARY TABLE", 1))
        for index in copy.indexes:
            if not index_kind(index):
                _run(connection, str(CreateIndex(index).compile(dialect=dialect)))
        found = _as_shown(connection, place, collation_of(copy), dialect.identifier_preparer.quote)
    except DBAPIError:
        # It cannot be made at all; the statement that makes it will say why.
        return raw
    finally:
        _run(connection, f"DROP TEMPORARY TABLE IF EXISTS {place}")
    columns = dict(found.columns)
    for name, words in bounds.items():
        columns[name] = ColumnShape("timestamp(6)", False, generated=words, comment=columns[name].comment)
    special = {
        str(index.name): IndexShape(raw.indexes[str(index.name)].parts, method=index_kind(index).lower())
        for index in table.indexes
        if index_kind(index)
    }
    return replace(
        raw,
        columns=columns,
        primary_key=found.primary_key,
        uniques=found.uniques,
        checks=found.checks,
        indexes={**found.indexes, **special},
    )


def _as_shown(connection: Connection, place: str, collation: str, quote: Any) -> TableShape:
    columns = _run(connection, f"SHOW FULL COLUMNS FROM {place}").mappings().all()
    indexes = _run(connection, f"SHOW INDEX FROM {place}").mappings().all()
    statement = _run(connection, f"SHOW CREATE TABLE {place}").one()[1]
    described = {}
    checks: dict[str, CheckShape] = {}
    for words in words_of(statement):
        if words[0].startswith("`"):
            described[_unquoted(words[0])] = words
        elif words[0] == "CONSTRAINT" and words[2] == "CHECK":
            checks[_unquoted(words[1])] = CheckShape(words[3][1:-1])
    shapes = {}
    for column in columns:
        name, words = column["Field"], described[column["Field"]]
        check = _after(words, "CHECK")
        # The same words as those of a type that the server turns into text with a check.
        is_json = check == f"(json_valid({words[0]}))"
        if check is not None and not is_json:
            checks[f"(check of {name})"] = CheckShape(check[1:-1])
        generated = _after(words, "AS")
        shapes[name] = column_shape(
            column["Type"],
            collation=column["Collation"],
            table_collation=collation,
            nullable=column["Null"] == "YES",
            default=_after(words, "DEFAULT"),
            extra=column["Extra"],
            generated=None if generated is None else generated[1:-1],
            comment=column["Comment"],
            is_json=is_json,
        )
    rows = [
        (
            row["Key_name"],
            bool(row["Non_unique"]),
            int(row["Seq_in_index"]),
            row["Column_name"],
            row["Collation"],
            row["Sub_part"],
            row["Index_type"],
        )
        for row in indexes
    ]
    key, uniques, others = indexes_from(rows, quote)
    return TableShape(shapes, key, uniques=uniques, checks=checks, indexes=others)


def words_of(statement: str) -> Iterator[list[str]]:
    """What stands between the outermost parentheses of CREATE TABLE, item by item, each word by word.

    A name, a text, and whatever is in parentheses is one word with what it touches.
    """
    depth = 0
    words = [""]
    for piece in _PIECE.findall(statement):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth == 0 and piece == ")":
            break
        if depth == 0 or (depth == 1 and piece == "("):
            continue
        if depth == 1 and piece == ",":
            yield [word for word in words if word]
            words = [""]
        elif depth == 1 and piece.isspace():
            words.append("")
        else:
            words[-1] += piece
    yield [word for word in words if word]


def _after(words: list[str], keyword: str) -> str | None:
    return words[words.index(keyword) + 1] if keyword in words else None


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`")


def _run(connection: Connection, sql: str) -> Any:
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})
