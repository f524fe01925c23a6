"""On a machine that cannot run containers, tests are skipped by a name that is on the committed list."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
def test_one(containers): pass
def test_two(postgres): pass
def test_three(run_image): pass
def test_four(): pass
"""


def test_they_are_skipped_and_counted_in_one_line(tmp_path: Path) -> None:
    test = tmp_path / "test_that_needs_containers.py"
    test.write_text(TESTS)
    environment = {
        **os.environ,
        "DATAKIT_TESTING_ENGINE": "",
        "TEST_TMPDIR": str(tmp_path / "tmp"),
        "XML_OUTPUT_FILE": str(tmp_path / "test.xml"),
    }
    (tmp_path / "tmp").mkdir()
    ended = subprocess.run(
        [sys.executable, "tools/python/run_pytest.py", "-p", "datakit_testing.plugin", str(test)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "1 passed, 3 skipped" in ended.stdout
    assert "skipped 3: neither podman nor Docker runs containers here (agreed)\n" in ended.stdout
