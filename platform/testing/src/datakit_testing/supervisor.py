"""The first process of an integration test: chooses the engine, starts pytest, and leaves nothing behind.

With the launcher's podman, all else runs in namespaces of its own: processes, mounts, network, cgroups. When
their first process ends they end as a whole, containers included, so nothing outlives the test, however it
ended: this process ends them when it is told to end, and the kernel does when this process is killed. What is
left is a folder, which this process removes, or Bazel before the test's next run.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from uuid import uuid4

from .containers import remove_all
from .engine import ENGINE_VARIABLE, find_engine
from .plugin import FOLDER_VARIABLE, OWNER_VARIABLE

__all__ = ["main"]

# Bazel kills a test that is not gone 15 s after it was told to end.
SECONDS_TO_END = 8.0
PR_SET_PDEATHSIG = 1


def main(command: list[str]) -> int:
    """Runs a command, such as pytest, with an engine at hand, and returns its exit code.

    Args:
        command: program and arguments.
    """
    folder = Path(os.environ["TEST_TMPDIR"]).absolute() / f"containers-{uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    os.environ[FOLDER_VARIABLE] = str(folder)
    os.environ[OWNER_VARIABLE] = uuid4().hex[:12]
    # Processes find the same packages as this one.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    engine = find_engine()
    os.environ[ENGINE_VARIABLE] = f"{engine.kind}:{engine.program}" if engine else ""
    if engine and engine.private:
        command = _in_namespaces(folder, command)
    try:
        return _run(command, when_we_die=signal.SIGKILL if engine and engine.private else signal.SIGTERM)
    finally:
        if engine and not engine.private:
            remove_all(engine, os.environ[OWNER_VARIABLE])
        shutil.rmtree(folder, onerror=_make_writable_and_retry)


def _in_namespaces(folder: Path, command: list[str]) -> list[str]:
    # Our death is that of `unshare`, its death that of the first process inside, and that one of all inside.
    return [
        *("unshare", "--mount", "--net", "--cgroup", "--pid", "--fork", "--kill-child", "--mount-proc"),
        *("--propagation", "private", "--"),
        *(sys.executable, "-m", "datakit_testing.namespace", str(folder), *command),
    ]


def _run(command: list[str], when_we_die: signal.Signals) -> int:
    """Runs it in a process group of its own, which is told to end when we are, and killed if it does not."""
    prctl = ctypes.CDLL(None).prctl
    told: list[int] = []

    def tell(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        raise InterruptedError

    earlier = {number: signal.signal(number, tell) for number in (signal.SIGTERM, signal.SIGINT)}
    child = subprocess.Popen(
        command, process_group=0, preexec_fn=lambda: prctl(PR_SET_PDEATHSIG, when_we_die)
    )
    try:
        code = child.wait()
    except InterruptedError:
        for number in earlier:
            signal.signal(number, signal.SIG_IGN)
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"not gone after {SECONDS_TO_END:.0f} s: killed\n")
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        return 128 + told[0]
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _make_writable_and_retry(function: object, path: str, _error: object) -> None:
    """For folders of images that not even their owner may write."""
    parent = os.path.dirname(path)
    for folder in (parent, path):
        if os.path.isdir(folder) and not os.path.islink(folder):
            os.chmod(folder, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
