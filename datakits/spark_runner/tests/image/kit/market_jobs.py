"""Jobs that work the same on one machine and on a cluster. Mounted into the image by the tests."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

from spark_runner import JobContext

FACTOR = 7


def stall_of(number: int) -> int:
    """Which stall made a sale. Executors find it in this module, so they must have the module."""
    return number * FACTOR % 5


def where(numbers: Iterable[int]) -> Iterator[tuple[str, int, int]]:
    """The machine, and the stall of each sale; slow enough that no executor gets everything."""
    time.sleep(0.5)
    for number in numbers:
        yield socket.gethostname(), stall_of(number), 1


def stalls(context: JobContext) -> None:
    """Count the sales of each stall, and write them to the target."""
    spark = context.spark
    count = int(str(context.arguments["sales"]))
    rows = spark.sparkContext.parallelize(range(count), 4).mapPartitions(where).collect()
    one_each = spark.createDataFrame([(stall, one) for _, stall, one in rows], "stall int, one int")
    frame = one_each.groupBy("stall").agg({"one": "sum"}).toDF("stall", "sales").repartition(2)
    context.target.write(frame, "market.stall")
    back = context.target.read("SELECT sum(sales) AS sales FROM market.stall").first()
    context.report_table("market.stall", layer="silver", read=count, written=frame.count())
    context.report("machines", sorted({machine for machine, _, _ in rows}))
    context.report("written", int(back["sales"]) if back else 0)
    context.log.info("stalls are counted", sales=count)
    print("a word on standard output")  # noqa: T201


def broken(context: JobContext) -> None:
    """Fail in the job's own code."""
    raise ValueError(f"there is no stall {context.arguments['stall']}")


def broken_far_away(context: JobContext) -> None:
    """Fail in the job's own code on an executor."""

    def fail(number: Any) -> int:
        return int(number) // 0

    context.spark.sparkContext.parallelize(range(2), 2).map(fail).collect()


def wrong_query(context: JobContext) -> None:
    """Ask the target for what it has not."""
    context.target.read("SELECT nothing FROM market.stall").show()


def endless(context: JobContext) -> None:
    """Work until somebody ends it."""
    context.log.info("it begins to work")

    def work(_: Any) -> int:
        time.sleep(600)
        return 0

    context.spark.sparkContext.parallelize(range(2), 2).map(work).collect()
