"""Rows become CSV on the executors; partitions come in order, a bounded number at a time."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from spark_runner.extract import csv_chunks, partition_by_partition


def test_rows_become_csv_in_pieces() -> None:
    rows = [("a", None), ("", 'b"c'), ("ü\n", "\\N")]
    assert b"".join(map(zlib.decompress, csv_chunks(rows))).decode() == '"a",\n"","b""c"\n"ü\n","\\N"\n'
    assert list(csv_chunks([])) == []


def test_a_piece_is_about_a_megabyte() -> None:
    chunks = [zlib.decompress(chunk) for chunk in csv_chunks(("x" * 1000,) for _ in range(5000))]
    assert len(chunks) == 6
    assert all(len(chunk) < 1_002_000 for chunk in chunks)


class FakeFrame:
    """As much of Spark as one thread for each job takes."""

    def __init__(self, partitions: list[Any], cores: int) -> None:
        self.partitions, self.defaultParallelism = partitions, cores
        self.lock, self.running, self.most, self.cancelled = threading.Lock(), 0, 0, threading.Event()
        self.waits = threading.Event()
        self.sparkSession = self.sparkContext = self.rdd = self

    def getNumPartitions(self) -> int:  # noqa: N802
        return len(self.partitions)

    def runJob(  # noqa: N802
        self, rdd: Any, function: Callable[[Iterable[Any]], Iterator[bytes]], numbers: list[int]
    ) -> list[bytes]:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        try:
            (number,) = numbers
            found = self.partitions[number]
            if isinstance(found, Exception):
                assert self.waits.wait(30)
                raise found
            if found == "wait":
                self.waits.set()
                assert self.cancelled.wait(30)
                raise RuntimeError("cancelled")
            time.sleep(0.01 * ((number * 7) % 3))
            return list(function(found))
        finally:
            with self.lock:
                self.running -= 1

    def cancelAllJobs(self) -> None:  # noqa: N802
        self.cancelled.set()


def read(frame: FakeFrame) -> Iterator[bytes]:
    given: Any = frame
    return partition_by_partition(given)


@pytest.mark.parametrize("cores", [1, 2, 5, 50])
@pytest.mark.parametrize("count", [1, 2, 9])
def test_partitions_come_in_order_and_no_more_at_a_time_than_there_are_cores(cores: int, count: int) -> None:
    frame = FakeFrame([[(str(number),)] for number in range(count)], cores)
    assert list(read(frame)) == [f'"{number}"\n'.encode() for number in range(count)]
    assert frame.most <= cores


def test_an_empty_partition_is_nothing() -> None:
    assert list(read(FakeFrame([[], [("a",)], []], 2))) == [b'"a"\n']


def test_a_partition_that_fails_ends_it_and_what_is_under_way() -> None:
    frame = FakeFrame([[("a",)], ValueError("no"), "wait", "wait"], 3)
    found: list[bytes] = []
    with pytest.raises(ValueError, match="no"):
        found.extend(read(frame))
    assert frame.cancelled.is_set()
    assert frame.running == 0


def test_whoever_stops_reading_ends_what_is_under_way() -> None:
    frame = FakeFrame([[("a",)], "wait", "wait"], 2)
    chunks: Any = read(frame)
    assert next(chunks) == b'"a"\n'
    assert frame.waits.wait(30)
    chunks.close()
    assert frame.cancelled.is_set()
    assert frame.running == 0
