"""What is read from the lock: lockfile.bzl is run as Python, of whose syntax Bazel's language is a part."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

FIELDS = f"1 a-1.whl {'0' * 64}"


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.fixture
def lockfile() -> Any:
    names: dict[str, Any] = {"struct": SimpleNamespace, "fail": fail}
    exec(Path("tools/python/lockfile.bzl").read_text(), names)
    return SimpleNamespace(**names)


def cycles(lockfile: Any, **needs: str) -> dict[str, list[str]]:
    lock = "".join(f"{name} {FIELDS} {deps or '-'}\n" for name, deps in needs.items())
    found: dict[str, list[str]] = lockfile.cycles_of(lockfile.parse_lock(lock))
    return found


def test_a_line_is_a_package(lockfile: Any) -> None:
    (package,) = lockfile.parse_lock(f"# a comment\n\none {FIELDS} b,c\n")
    assert (package.name, package.version, package.deps) == ("one", "1", ["b", "c"])


def test_a_line_that_lacks_a_field_is_named(lockfile: Any) -> None:
    with pytest.raises(ValueError, match="line 2 of the Python lock"):
        lockfile.parse_lock(f"one {FIELDS} -\ntwo {FIELDS}\n")


def test_packages_in_a_row_make_no_cycle(lockfile: Any) -> None:
    assert cycles(lockfile, a="b,c", b="c", c="d", d="") == {}


def test_two_that_need_each_other_are_a_cycle_and_their_neighbours_are_not(lockfile: Any) -> None:
    found = cycles(lockfile, above="a", a="b,below", b="a", below="")
    assert found == {"a": ["b"], "b": ["a"]}


def test_a_long_way_round_is_one_cycle(lockfile: Any) -> None:
    found = cycles(lockfile, a="b", b="c", c="d,x", d="a", x="")
    assert found == {"a": ["b", "c", "d"], "b": ["a", "c", "d"], "c": ["a", "b", "d"], "d": ["a", "b", "c"]}


def test_two_cycles_with_a_package_between_them_stay_apart(lockfile: Any) -> None:
    found = cycles(lockfile, a="b,between", b="a", between="c", c="d", d="c")
    assert found == {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}
