"""Runs pytest as a Bazel test: Bazel's folders, filter and report, and no skip that nobody agreed to."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path("tools/python")
PLUGINS = HERE / "plugin"


def allowed_skips(text: str) -> frozenset[str]:
    """The reasons on the committed list, without comments and blank lines."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


class AgreedSkips:
    """A pytest plugin: counts skips by reason, fails the session for a reason that is not on the list."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self.allowed = allowed
        self.skipped: dict[str, int] = {}

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            longrepr = report.longrepr
            reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")
            self.skipped[reason] = self.skipped.get(reason, 0) + 1

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Counts tests that skipped themselves."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Counts modules that skipped themselves while they were collected."""
        self._note(report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Prints one line a reason."""
        for reason, count in sorted(self.skipped.items()):
            agreed = "agreed" if reason in self.allowed else "NOT on tools/python/allowed_skips.txt"
            terminalreporter.write_line(f"skipped {count}: {reason} ({agreed})")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fails a session that would otherwise pass with a skip that nobody agreed to."""
        if session.exitstatus == pytest.ExitCode.OK and not set(self.skipped) <= self.allowed:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def main() -> int:
    """Translates what Bazel gave into pytest's options and returns pytest's exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=1)
    ours, tests = parser.parse_known_args()

    temporary = Path(os.environ["TEST_TMPDIR"])
    os.environ["HOME"] = str(temporary)
    os.environ["TMPDIR"] = str(temporary)
    sys.path.append(str(PLUGINS.absolute()))
    # Test processes find the same packages as this one; xdist's workers do so through the environment.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)

    options = [
        "-c",
        str(HERE / "pytest.ini"),
        f"--rootdir={Path.cwd()}",
        f"--basetemp={temporary / 'pytest'}",
        "-p",
        "keep_platform",
    ]
    if find_spec("hypothesis") is not None:
        # A result that is cached must come of what the test is made of, so examples are the same each time.
        # `--test_arg=--hypothesis-profile=default` looks for new ones.
        options.append("--hypothesis-profile=ci")
    if ours.workers > 1:
        options += ["-n", str(ours.workers)]
    if report := os.environ.get("XML_OUTPUT_FILE"):
        options.append(f"--junit-xml={report}")
    if chosen := os.environ.get("TESTBRIDGE_TEST_ONLY"):
        options += ["-k", chosen]
    plugin = AgreedSkips(allowed_skips((HERE / "allowed_skips.txt").read_text()))
    return int(pytest.main([*options, *tests], plugins=[plugin]))


if __name__ == "__main__":
    sys.exit(main())
