"""Which process it is, and ports that are taken."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from local_airflow.background import Running, end, find_running, listen
from local_airflow.folder import Folder
from sqlmodel_framework.errors import UnavailableError


def started_at(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def test_a_folder_without_a_state_has_nothing_running(tmp_path: Path) -> None:
    assert find_running(Folder(tmp_path)) is None
    Folder(tmp_path).state.write_text('{"pid"')
    assert find_running(Folder(tmp_path)) is None


def test_another_process_with_the_same_number_is_not_it(tmp_path: Path) -> None:
    here = {"pid": os.getpid(), "started": started_at(os.getpid()), "port": 1, "target_port": 2}
    Folder(tmp_path).state.write_text(json.dumps(here))
    running = find_running(Folder(tmp_path))
    assert running == Running(**here)
    assert running.is_alive
    impostor = Running(os.getpid(), here["started"] + 1, 1, 2)
    assert not impostor.is_alive
    end(impostor)  # and this test lives on


def test_ending_ends_it_with_its_children() -> None:
    program = "import subprocess, sys; subprocess.run(['sleep', '600'])"
    process = subprocess.Popen([sys.executable, "-c", program])
    end(Running(process.pid, started_at(process.pid), 1, 2))
    assert process.wait(10) != 0


def test_a_port_that_is_taken_is_named_with_the_option_that_chooses_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port} of 127.0.0.1") as caught:
            listen(port, "--target-port")
    assert caught.value.hint == "choose another: --target-port PORT"


def test_it_listens_on_loopback_alone() -> None:
    with listen(0, "--port") as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
