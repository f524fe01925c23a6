"""The committed locks pin everything, and name no host."""

from __future__ import annotations

import re
from pathlib import Path

import debian_lock
import pytest

FOLDER = Path("tools/lock")
LOCKS = {"debian.lock": 3, "python.lock": 5}


def rows(name: str) -> list[list[str]]:
    lines = (FOLDER / name).read_text().splitlines()
    return [line.split(" ") for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("name", LOCKS)
def test_each_line_pins_a_version_and_a_hash(name: str) -> None:
    assert rows(name)
    for row in rows(name):
        assert len(row) == LOCKS[name], row
        assert any(re.fullmatch(r"[0-9a-f]{64}", field) for field in row), row


@pytest.mark.parametrize("name", LOCKS)
def test_no_host_is_named(name: str) -> None:
    assert not re.search(r"://|\.(org|com|net|io)\b", (FOLDER / name).read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_names_are_sorted_and_come_once(name: str) -> None:
    names = [row[0] for row in rows(name)]
    assert len(set(names)) == len(names)
    assert names == sorted(names)


def test_every_dependency_is_locked() -> None:
    packages = {row[0]: row[4] for row in rows("python.lock")}
    for needs in packages.values():
        assert needs == "-" or set(needs.split(",")) <= set(packages)


def test_what_is_asked_for_is_locked() -> None:
    for kind in ("debian", "python"):
        wanted = debian_lock.wanted((FOLDER / f"{kind}.in").read_text())
        assert {re.split(r"[<>=!\[]", name)[0] for name in wanted} <= {row[0] for row in rows(f"{kind}.lock")}


def test_what_is_left_out_is_not_locked() -> None:
    unused = debian_lock.left_out((FOLDER / "debian.in").read_text())
    assert unused
    assert not unused & {row[0] for row in rows("debian.lock")}


def test_a_line_of_the_debian_list_asks_or_leaves_out() -> None:
    text = "# why\none\n-two  # unused\n\nthree\n"
    assert debian_lock.wanted(text) == ["one", "three"]
    assert debian_lock.left_out(text) == {"two"}
