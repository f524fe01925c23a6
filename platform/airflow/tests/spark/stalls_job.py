"""The job that counts. Baked into an image by the tests."""

import socket
import time
from collections.abc import Iterable, Iterator

from spark_runner import JobContext


def counted(stalls: Iterable[int]) -> Iterator[tuple[str, int, int]]:
    """The machine and each sale's stall; slow enough that no executor gets everything."""
    time.sleep(0.5)
    for stall in stalls:
        yield socket.gethostname(), stall, 1


def totals(context: JobContext) -> None:
    """Count the sales of each stall on the executors."""
    rows = context.target.read("SELECT CAST(stall AS int) AS stall FROM stalls_bronze.sale")
    if context.arguments.get("stall") is not None:
        raise ValueError(f"there is no stall {context.arguments['stall']}")
    sales = rows.repartition(4).rdd.map(lambda row: int(row["stall"])).mapPartitions(counted).collect()
    frame = context.spark.createDataFrame([(stall, one) for _, stall, one in sales], "stall int, one int")
    found = frame.groupBy("stall").agg({"one": "sum"}).toDF("stall", "sales").repartition(2)
    context.target.write(found, "stalls.total")
    context.report_table("stalls.total", layer="gold", read=len(sales), written=found.count())
    context.report("machines", sorted({machine for machine, _, _ in sales}))
