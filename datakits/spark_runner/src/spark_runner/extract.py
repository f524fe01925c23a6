"""The step `extract`: parts of a PostgreSQL table, read side by side by Spark's executors."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, BinaryIO

from sqlmodel_framework.engines.registry import engine_for
from sqlmodel_framework.loading.csv_text import csv_record
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.loading.streams import PushedStream
from sqlmodel_framework.runner.extract import OpenRows, extract_step
from sqlmodel_framework.runner.step import Step, StepContext

from .application import Application
from .jdbc import JdbcDatabase, jdbc_url
from .parameters import ExtractParameters, names, read
from .partitions import reading

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["EXTRACT", "csv_chunks"]

_CHUNK_CHARACTERS = 1_000_000


def csv_chunks(rows: Iterable[Iterable[str | None]]) -> Iterator[bytes]:
    """Rows as pieces of CSV of about a megabyte, compressed by zlib; this runs on the executors.

    Spark holds a partition several times on its way to the driver, so what is small there is worth a lot.
    """
    records: list[str] = []
    size = 0
    for row in rows:
        record = csv_record(row)
        records.append(record)
        size += len(record)
        if size >= _CHUNK_CHARACTERS:
            yield _compressed(records)
            records.clear()
            size = 0
    if records:
        yield _compressed(records)


def _compressed(records: Iterable[str]) -> bytes:
    return zlib.compress("".join(records).encode(), level=1)


def partition_by_partition(frame: DataFrame) -> Iterator[bytes]:
    """The CSV of a frame, in the order of its partitions.

    As many partitions are worked on at a time as the executors have cores, and no more than that are held
    in memory, compressed. (`toLocalIterator` works on two at most.)
    """
    context = frame.sparkSession.sparkContext
    rows = frame.rdd
    count = rows.getNumPartitions()
    ahead = max(1, min(count, context.defaultParallelism))
    waiting: deque[Future[list[bytes]]] = deque()
    with ThreadPoolExecutor(ahead, thread_name_prefix="partition") as threads:

        def begin(number: int) -> None:
            waiting.append(threads.submit(context.runJob, rows, csv_chunks, [number]))

        try:
            for number in range(ahead):
                begin(number)
            for number in range(ahead, ahead + count):
                chunks = waiting.popleft().result()
                if number < count:
                    begin(number)
                for chunk in chunks:
                    yield zlib.decompress(chunk)
        finally:
            for future in waiting:
                future.cancel()
            # More than once: one of them may be on its way to Spark.
            while wait(waiting, timeout=0).not_done:
                with suppress(Exception):
                    context.cancelAllJobs()
                wait(waiting, timeout=1)


class _Extracting:
    """Opens the rows of one run's tables, with one Spark application for all of them."""

    def __init__(self, context: StepContext) -> None:
        assert context.source is not None
        self.parameters = read(ExtractParameters, context.spec.parameters)
        self.context = context
        self.source = context.source
        jdbc_url(context.source)
        self.application = Application(
            f"{context.spec.datakit} extract {context.spec.run_id}",
            self.parameters,
            context.log,
            self.mask,
        )

    def mask(self, text: str) -> str:
        return self.source.mask(text)

    def open_rows(self, _context: StepContext, extraction: Extraction) -> BinaryIO:
        engine = engine_for(self.source)

        def push(file: BinaryIO) -> None:
            column = self.parameters.partition_column_of(extraction.table)
            with reading(engine, extraction, column, self.parameters.partitions) as how:
                try:
                    database = JdbcDatabase(self.source, self.application.session())
                    frame = database.read(
                        how.query,
                        predicates=how.predicates,
                        fetch_size=self.parameters.fetch_size,
                        session=how.session,
                    )
                    self.context.log.info(
                        "reading", table=extraction.table, partitions=len(how.predicates or [None])
                    )
                    file.write(csv_record(extraction.columns).encode())
                    # By position: the names in the query may be any.
                    wanted: Any = [frame[place] for place in range(len(extraction.columns))]
                    for chunk in partition_by_partition(frame.select(*wanted)):
                        file.write(chunk)
                except (GeneratorExit, BrokenPipeError):
                    raise
                except Exception as error:
                    raise self.application.explain(error) from None

        def cancel() -> None:
            with suppress(Exception):
                engine.cancel()
            self.application.cancel()

        return PushedStream(push, cancel)  # type: ignore[return-value]


def _extract(context: StepContext) -> None:
    extracting = _Extracting(context)
    with extracting.application:
        _step(extracting.open_rows).run(context)


def _step(open_rows: OpenRows) -> Step:
    return extract_step(open_rows, parameters=names(ExtractParameters))


def _opened_by_nobody(_context: StepContext, _extraction: Extraction) -> BinaryIO:
    raise AssertionError("each run opens rows with its own Spark application")


EXTRACT = replace(
    _step(_opened_by_nobody),
    summary="Append rows of a PostgreSQL database's tables to bronze tables, read in parts by Spark.",
    run=_extract,
)
"""Append rows of the source's tables to bronze tables; see the README for its parameters."""
