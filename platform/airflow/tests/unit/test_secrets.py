"""Files for a step are private, and gone when it is done, whatever ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from datakit_airflow.secrets import handed_over


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_files_of_a_process_are_for_its_user_alone(tmp_path: Path) -> None:
    with handed_over(tmp_path) as files:
        path = files.put("password", "s3cret")

        assert path.read_text() == "s3cret"
        assert mode(path) == 0o400
        assert mode(files.folder) == 0o700


def test_files_of_a_container_are_readable_within_a_folder_that_only_this_user_enters(tmp_path: Path) -> None:
    with handed_over(tmp_path, shared=True) as files:
        path = files.put("password", "s3cret")

        assert mode(path) == 0o444
        assert mode(files.folder) == 0o755
        assert mode(files.folder.parent) == 0o700


def test_they_are_gone_after_the_block(tmp_path: Path) -> None:
    with handed_over(tmp_path) as files:
        files.put("password", "s3cret")

    assert list(tmp_path.iterdir()) == []


def test_they_are_gone_after_an_error(tmp_path: Path) -> None:
    def interrupted() -> None:
        with handed_over(tmp_path) as files:
            files.put("password", "s3cret")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_task_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom datakit_airflow.secrets import handed_over\n"
        "with handed_over(Path(sys.argv[1])) as files:\n"
        "    files.put('password', 's3cret')\n    print('ready', flush=True)\n    time.sleep(60)\n"
    )
    killed = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    killed.stdout.readline()
    with handed_over(tmp_path) as files:
        assert len(list(tmp_path.iterdir())) == 2, "one that is in use is left alone"
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    killed.stdout.close()
    assert len(list(tmp_path.iterdir())) == 1

    with handed_over(tmp_path) as files:
        assert list(tmp_path.iterdir()) == [files.folder.parent]


def test_a_file_is_written_once(tmp_path: Path) -> None:
    with handed_over(tmp_path) as files:
        files.put("password", "a")
        with pytest.raises(FileExistsError):
            files.put("password", "b")
