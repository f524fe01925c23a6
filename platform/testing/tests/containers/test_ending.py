"""However a test ends, nothing is left; when it fails, what its containers said stands beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest
from datakit_testing import Containers, wait_until
from datakit_testing.containers import LABEL
from datakit_testing.engine import CHOICE_VARIABLE

SUPERVISOR = "import sys; from datakit_testing.supervisor import main; sys.exit(main(sys.argv[1:]))"
SLEEPING = """
import pathlib, time
from datakit_testing import wait_until

def test_one(containers):
    code = "import time; print('said before the end', flush=True); time.sleep(600)  # {marker}"
    containers.start("python", "-c", code, volumes={{"/data": "data"}}, name="sleeper")
    wait_until("it said so", lambda: "said" in containers.started[0].logs())
    pathlib.Path({ready!r}).write_text(containers.owner)
    {then}
"""


class Inner:
    """A test run inside of this one, by a supervisor of its own."""

    def __init__(self, folder: Path, then: str, *options: str, engine: str = "") -> None:
        self.marker = f"marker-{uuid4().hex}"
        self.folder = folder
        self.ready = folder / "ready"
        self.outputs = folder / "outputs"
        self.outputs.mkdir(parents=True)
        test = folder / f"test_{uuid4().hex}.py"
        test.write_text(SLEEPING.format(marker=self.marker, ready=str(self.ready), then=then))
        pytest_command = [sys.executable, "-m", "pytest", "--import-mode=importlib", "-p", "no:cacheprovider"]
        pytest_command += ["-p", "datakit_testing.plugin", f"--rootdir={folder}", *options, str(test)]
        environment = {
            **os.environ,
            "TEST_TMPDIR": str(folder / "tmp"),
            "TEST_UNDECLARED_OUTPUTS_DIR": str(self.outputs),
            **({CHOICE_VARIABLE: engine} if engine else {}),
        }
        for name in [name for name in environment if name.startswith("PYTEST_")]:
            del environment[name]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *pytest_command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_ready(self) -> None:
        wait_until(
            "the inner test has started its container",
            self.ready.exists,
            seconds=120,
            still_possible=lambda: self.process.communicate()[0] if self.process.poll() is not None else None,
        )

    def end(self) -> tuple[int, str]:
        output = self.process.communicate(timeout=120)[0]
        return self.process.returncode, output

    def processes(self) -> list[bytes]:
        """Those of the container and of the test, seen from outside."""
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = file.read_bytes()
            except OSError:
                continue
            if self.marker.encode() in line or str(self.folder).encode() in line:
                found.append(line)
        return found


def assert_nothing_is_left(containers: Containers, inner: Inner) -> None:
    wait_until("all processes are gone", lambda: not inner.processes())
    assert list((inner.folder / "tmp").iterdir()) == []
    assert str(inner.folder) not in Path("/proc/self/mountinfo").read_text()
    label = f"label={LABEL}={inner.ready.read_text()}"
    for listing in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert containers.engine.do(*listing, "--quiet", "--filter", label) == "", listing
    assert inner.ready.read_text() not in containers.engine.do("image", "ls")


@pytest.fixture(params=["own", "shared"])
def engine(request: pytest.FixtureRequest, containers: Containers) -> str:
    """What the inner test uses: an engine of its own, or this test's, as it would use the machine's."""
    if request.param == "own":
        return containers.engine.kind
    return "podman" if containers.engine.is_podman else "docker"


def test_a_test_that_passes_leaves_nothing(containers: Containers, tmp_path: Path, engine: str) -> None:
    # Somebody else runs the same image, and has no name for it.
    neighbour = containers.start("python", "-c", "import time; time.sleep(600)")
    inner = Inner(tmp_path, "pass", engine=engine)
    code, output = inner.end()
    assert code == 0, output
    assert "left behind" not in output
    assert_nothing_is_left(containers, inner)
    neighbour.remove()


def test_a_test_that_fails_shows_what_its_containers_said(
    containers: Containers, tmp_path: Path, engine: str
) -> None:
    inner = Inner(tmp_path, "assert 0", engine=engine)
    code, output = inner.end()
    assert code == 1, output
    assert "- container sleeper -" in output
    assert "said before the end" in output
    assert (inner.outputs / "test_one.sleeper.log").read_text() == "said before the end"
    assert_nothing_is_left(containers, inner)


@pytest.mark.parametrize("options", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_test_whose_time_has_passed_says_so_and_leaves_nothing(
    containers: Containers, tmp_path: Path, options: tuple[str, ...], engine: str
) -> None:
    inner = Inner(tmp_path, "time.sleep(600)", *options, engine=engine)
    inner.wait_until_ready()
    assert len(inner.processes()) > 1
    start = time.monotonic()
    inner.process.terminate()
    code, output = inner.end()
    assert code == 128 + signal.SIGTERM
    assert time.monotonic() - start < 14, "Bazel kills after 15 s"
    if not options:
        assert "--- container sleeper ---\nsaid before the end" in output
    assert_nothing_is_left(containers, inner)


def test_a_test_that_does_not_want_to_end_is_ended(containers: Containers, tmp_path: Path) -> None:
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    inner = Inner(tmp_path, stubborn)
    inner.wait_until_ready()
    inner.process.terminate()
    code, output = inner.end()
    assert code == 128 + signal.SIGTERM
    assert "not gone after" in output
    assert_nothing_is_left(containers, inner)


def test_killing_the_first_process_kills_the_containers(
    containers: Containers, tmp_path: Path, engine: str
) -> None:
    inner = Inner(tmp_path, "time.sleep(600)", engine=engine)
    inner.wait_until_ready()
    assert len(inner.processes()) > 1
    inner.process.kill()
    inner.end()
    wait_until("all processes are gone", lambda: not inner.processes())
    listing = ["ps", "--all", "--quiet", "--filter", f"label={LABEL}={inner.ready.read_text()}"]
    assert containers.engine.do(*listing) == ""


def test_tests_run_side_by_side(tmp_path: Path) -> None:
    both = [
        Inner(
            tmp_path / name,
            "label = f'label=datakit-testing={containers.owner}'\n"
            "    assert len(containers.engine.do('ps', '-aq', '--filter', label).split()) == 1\n"
            f"    wait_until('the other is there', pathlib.Path({str(tmp_path / other / 'ready')!r}).exists)",
        )
        for name, other in (("a", "b"), ("b", "a"))
    ]
    for inner in both:
        code, output = inner.end()
        assert code == 0, output
