"""A standalone cluster of Spark: containers of the image that drivers have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from datakit_testing.containers import Container, Containers
from datakit_testing.readiness import wait_until

__all__ = ["SHORT_STARTS", "Cluster", "running_cluster"]

# Less work for the compiler: tests are short.
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"

SHORT_STARTS: Mapping[str, Any] = {f"spark.{who}.extraJavaOptions": _JAVA for who in ("driver", "executor")}
"""Spark's settings for an application that is soon over."""


class Cluster:
    """A master and two workers, which have neither datakits nor jobs unless the image has them.

    Attributes:
        url: the master.
        master: its container.
        workers: theirs, by host name.
        conf: Spark's settings so that both workers are there before anything begins, on a small machine.
    """

    url = "spark://master:7077"
    conf: Mapping[str, Any] = {
        "spark.executor.memory": "512m",
        "spark.cores.max": 2,
        "spark.scheduler.minRegisteredResourcesRatio": 1.0,
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
    }

    def __init__(self, containers: Containers, image: str) -> None:
        def start(name: str, program: str, *arguments: str) -> Container:
            return containers.start(
                image,
                f"org.apache.spark.deploy.{program}",
                *arguments,
                name=name,
                entrypoint="/opt/spark/bin/spark-class",
                env={"SPARK_DAEMON_MEMORY": "192m", "SPARK_DAEMON_JAVA_OPTS": _JAVA},
            )

        self.master = start("master", "master.Master", "--host", "master", "--port", "7077")
        size = ("--cores", "1", "--memory", "700m")
        names = ("worker-1", "worker-2")
        self.workers = {name: start(name, "worker.Worker", *size, self.url) for name in names}
        for worker in self.workers.values():
            wait_until(
                "the worker is registered",
                partial(_registered, worker),
                seconds=180,
                still_possible=partial(getattr, worker, "ended"),
            )

    def addresses(self) -> set[str]:
        """The workers' addresses."""
        found = set()
        for worker in self.workers.values():
            hosts = worker.exec(
                "/opt/datakit/bin/python", "-c", "import socket as s; print(s.gethostbyname(s.gethostname()))"
            )
            found.add(hosts.stdout.strip())
        return found


@contextmanager
def running_cluster(containers: Containers, image: str) -> Iterator[Cluster]:
    """A cluster for as long as the block lasts.

    Args:
        containers: the test's.
        image: the name of an image with Spark.
    """
    made = Cluster(containers, image)
    try:
        yield made
    finally:
        for container in (*made.workers.values(), made.master):
            container.remove()


def _registered(worker: Container) -> bool:
    return "Successfully registered" in worker.logs()
