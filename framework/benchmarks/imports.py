"""What importing the framework costs, against importing SQLModel alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from figure import Figure

__all__ = ["imports"]

# The peak of memory is the process's own: getrusage would start at that of the process it was forked from.
_MEASURE = """
import re, time

def memory():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])

before, started = memory(), time.process_time()
import {module}
print(time.process_time() - started, memory() - before)
"""


def imports(times: int) -> Iterator[Figure]:
    """Processor time and peak memory of `import sqlmodel_framework` by those of `import sqlmodel`."""
    modules = ("sqlmodel_framework", "sqlmodel")
    with tempfile.TemporaryDirectory() as cache:
        for module in modules:
            cost(module, cache)  # compiles it
        rounds = [[cost(module, cache) for module in modules] for _ in range(times)]
    for position, case in enumerate(("import_time", "import_memory")):
        ours, theirs = (min(costs[side][position] for costs in rounds) for side in (0, 1))
        yield Figure(case, round(ours / theirs, 2), "", 1.5)


def cost(module: str, cache: str) -> tuple[float, float]:
    """Seconds of processor time and kilobytes that an import takes in a new process."""
    # With bytecode, as on every start but the first.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONPYCACHEPREFIX": cache,
    }
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE.replace("{module}", module)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    took, kilobytes = done.stdout.split()
    return float(took), float(kilobytes)
