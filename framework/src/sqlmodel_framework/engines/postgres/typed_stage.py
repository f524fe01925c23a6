"""Staging rows in the types of their table: the short way, for rows that all keep the contract.

COPY itself converts the values then, and the contract is asked of all rows at once. Where one row breaks it,
no row was staged: the source is read again, as text, and every row is screened on its own, which finds each
reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    TableClause,
    column,
    literal,
    or_,
    select,
    table,
    text,
    true,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from ...errors import ContractError
from ...loading.breaking import breaks
from ...loading.contract import contract_of
from ...loading.load import Load
from ...loading.rereading import refuse_spent_source
from ...loading.sources import OutsideSource
from .candidates import Candidates
from .changed_rows import changed_rows
from .offered import open_rows
from .screening import lacks
from .stage import CreateTemporaryAs
from .writing import check_writable, mode_reasons

__all__ = ["TYPED", "TypedStage", "stage_typed"]

TYPED = "datakit_typed"


@dataclass(frozen=True)
class TypedStage:
    """Staged rows, all of them accepted.

    Attributes:
        candidates: the rows.
        offered: the columns that the source offers.
        rows: how many rows there are.
        bytes: how many bytes the source had.
        checksum: SHA-256 over them, in hex.
    """

    candidates: Candidates
    offered: list[str]
    rows: int
    bytes: int
    checksum: str


def stage_typed(
    connection: Connection,
    load: Load,
    type_name: Callable[[Column[Any]], str],
    progress: Callable[[int], None],
) -> TypedStage | None:
    """Stage the rows of a source outside of the target.

    Args:
        connection: in a transaction.
        load: the load.
        type_name: what the database calls the type of a column.
        progress: called with the number of bytes that are read by now.

    Returns:
        What is staged; None where this way does not lead to the end: there are rules to count by, the
        source may have more columns than the table, or a row breaks the contract.

    Raises:
        DeclarationError: the source's columns do not fit the table's.
        ContractError: the header does not fit.
        TerminalError: a row breaks the contract, and the source offers its rows only once.
    """
    if load.rules or load.contract == "evolve" or not isinstance(load.source, OutsideSource):
        return None
    with open_rows(load, type_name, progress) as rows:
        check_writable(load, rows.header)
        savepoint = connection.begin_nested()
        columns = [load.sql_table.c[name] for name in rows.header]
        connection.execute(CreateTemporaryAs(TYPED, select(*columns).where(literal(1) == 0)))
        quote = connection.dialect.identifier_preparer.quote
        needed = [f"ALTER {quote(each.name)} SET NOT NULL" for each in columns if not each.nullable]
        if needed:
            connection.execute(text(f"ALTER TABLE pg_temp.{TYPED} {', '.join(needed)}"))
        changed = changed_rows(connection, load, rows)
        try:
            read = (changed or rows).copy_into(connection, ("pg_temp", TYPED))
        except ContractError:
            if rows.error is not None:
                raise
            savepoint.rollback()
            refuse_spent_source(load.source)
            return None
    if _breaks_the_contract(connection, load, rows.header):
        savepoint.rollback()
        refuse_spent_source(load.source)
        return None
    savepoint.commit()
    staged = _staged(load, rows.header)
    found = Candidates(staged, true(), staged.c.ctid, distinct=read)
    if changed is not None and changed.complete:
        found = replace(found, mostly_differ=True, gone=changed.gone)
    return TypedStage(found, rows.header, read, rows.bytes_read, rows.checksum)


def _staged(load: Load, header: list[str]) -> TableClause:
    columns = [column(name, load.sql_table.c[name].type) for name in header]
    return table(TYPED, column("ctid", BigInteger), *columns, schema="pg_temp")


def _breaks_the_contract(connection: Connection, load: Load, header: list[str]) -> bool:
    """Whether any row does."""
    contract = contract_of(load.table, header)
    rows = _staged(load, header)
    broken: list[ColumnElement[bool]] = [breaks(bound, rows.c[bound.column]) for bound in contract.bounds]
    broken += [lacks(rows, parent, load, lambda: rows.alias()) for parent in contract.parents]
    broken += [condition for condition, _ in mode_reasons(load, contract.keys, rows)]
    if broken:
        query = select(literal(1)).select_from(rows).where(or_(*broken)).limit(1)
        if connection.execute(query).first() is not None:
            return True
    return any(_repeats(connection, key) for key in contract.keys)


def _repeats(connection: Connection, key: tuple[str, ...]) -> bool:
    """Whether a key comes more than once: to build an index is the fastest way to find that out."""
    names = ", ".join(map(connection.dialect.identifier_preparer.quote, key))
    try:
        with connection.begin_nested():
            connection.execute(text(f"CREATE UNIQUE INDEX ON pg_temp.{TYPED} ({names})"))
    except IntegrityError:
        return True
    return False
