"""Tests and build actions see no network and nothing of the machine's Python."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

ACTION = Path("tools/python/tests/what_an_action_sees.txt")


def test_this_interpreter_is_the_locked_one() -> None:
    assert sys.version_info[:3] == (3, 11, 2)
    assert "python-" in sys.executable or "external" in os.path.realpath(sys.executable)
    assert not any(
        path.startswith(("/usr", "/root", "/home/")) and "bazel" not in path for path in sys.path
    ), sys.path


def test_this_process_reaches_no_network() -> None:
    interfaces = {name for _, name in socket.if_nameindex()}
    assert interfaces == {"lo"}
    # An address for documentation: no packet leaves, as there is no route.
    with socket.socket() as client, pytest.raises(OSError, match="unreachable"):
        client.connect(("192.0.2.1", 80))


def test_a_build_action_saw_the_same() -> None:
    seen = dict(line.split("=", 1) for line in ACTION.read_text().splitlines())
    assert seen["interfaces"] == "lo"
    assert seen["version"] == "3.11.2"
    assert seen["machine_environment"] == ""
    assert seen["can_write_workspace"] == "False"
