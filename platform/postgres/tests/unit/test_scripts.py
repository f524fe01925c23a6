"""Init scripts: which, in what order, and what is said of those that cannot be run."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from database_server import find_init_scripts


def test_they_come_in_the_order_of_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("20.sql.gz", "10.sql", "30.sh", "b.sql", "a.sql"):
        (tmp_path / name).touch()
    assert [script.path.name for script in find_init_scripts(tmp_path)] == [
        "10.sql",
        "20.sql.gz",
        "a.sql",
        "b.sql",
    ]
    assert "30.sh" in capsys.readouterr().err


def test_no_folder_is_no_scripts(tmp_path: Path) -> None:
    assert find_init_scripts(tmp_path / "none") == []


def test_the_client_gets_the_text(tmp_path: Path) -> None:
    (tmp_path / "1.sql").write_bytes(b"one;")
    (tmp_path / "2.sql.gz").write_bytes(gzip.compress(b"two;"))
    for script in find_init_scripts(tmp_path):
        script.feed(["dd", f"of={tmp_path / (script.path.name + '.seen')}", "status=none"])
    assert (tmp_path / "1.sql.seen").read_bytes() == b"one;"
    assert (tmp_path / "2.sql.gz.seen").read_bytes() == b"two;"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.sql.gz", b"not compressed", "cannot be read"),
        ("x.sql.gz", gzip.compress(b"x" * 1000)[:-9], "cannot be read"),
        ("x.sql", b"x", r"x\.sql failed \(exit code 1\)"),
    ],
)
def test_a_fault_names_the_script(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    client = ["cat"] if "gz" in name else ["false"]
    with pytest.raises(SystemExit, match=message):
        find_init_scripts(tmp_path)[0].feed(client)
