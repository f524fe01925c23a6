"""Starts each runner's container and takes the time to its first log line; JSON objects on stdout."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from pathlib import Path

from datakit_testing.containers import Containers
from datakit_testing.engine import NO_ENGINE, engine_of_this_process
from datakit_testing.images import Images
from datakit_testing.plugin import FOLDER_VARIABLE, OWNER_VARIABLE
from datakit_testing.readiness import wait_until
from datakit_testing.supervisor import main

ROUNDS = 3


def measure(containers: Containers, runner: str) -> float:
    """Seconds from the start of a container to its first log line; the image is there already."""
    started = time.monotonic()
    # A specification that says nothing is refused in the first line.
    container = containers.start(runner, "run", env={"DATAKIT_RUN_SPEC": "{}"})
    wait_until("it says something", lambda: container.output()[1], interval=0.01)
    return time.monotonic() - started


def measure_all() -> int:
    """Measures every runner, each several times."""
    engine = engine_of_this_process()
    if engine is None:
        sys.exit(NO_ENGINE)
    owner = os.environ[OWNER_VARIABLE]
    images = Images(engine, Path(os.environ[FOLDER_VARIABLE]), owner)
    with Containers(engine, images, owner) as containers:
        for runner in json.loads(os.environ["DATAKIT_TESTING_IMAGES"]):
            containers.run(runner, "--help")  # loads the image
            seconds = statistics.median(measure(containers, runner) for _ in range(ROUNDS))
            print(json.dumps({"runner": runner, "seconds": round(seconds, 2)}), flush=True)
    return 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        sys.exit(measure_all())
    sys.exit(main([sys.executable, "-m", "cold_start", "--inside"]))
