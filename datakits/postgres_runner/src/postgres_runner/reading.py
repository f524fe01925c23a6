"""Rows of a source as a stream of CSV, read in a transaction that cannot write."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, cast

from sqlmodel_framework.engines import BaseEngine
from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.loading.streams import PushedStream
from sqlmodel_framework.runner import StepContext

from postgres_runner import mariadb, postgres

__all__ = ["open_rows"]

WriteRows = Callable[[BaseEngine, str, BinaryIO], None]

_READERS: dict[str, WriteRows] = {"mariadb": mariadb.write_rows, "postgresql": postgres.write_rows}


def open_rows(context: StepContext, extraction: Extraction) -> BinaryIO:
    """The rows of an extraction; see `sqlmodel_framework.runner.extract.OpenRows`.

    Raises:
        TerminalError: the source is neither PostgreSQL nor MariaDB.
    """
    assert context.source is not None
    dialect = context.source.dialect
    if dialect not in _READERS:
        raise TerminalError(
            f"this runner reads {' and '.join(sorted(_READERS))}, not {dialect}",
            hint="choose the runner for that database",
            target=context.source.name,
        )
    engine = engine_for(context.source)

    def push(file: BinaryIO) -> None:
        with engine.transaction():
            engine.forbid_writes()
            _READERS[dialect](engine, extraction.sql(dialect), file)

    return cast("BinaryIO", PushedStream(push, engine.cancel))
