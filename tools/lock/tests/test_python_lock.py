"""The lock's dependencies follow markers and extras, as pip's do."""

from __future__ import annotations

from typing import Any

import python_lock
from packaging.utils import NormalizedName

KNOWN = frozenset(map(NormalizedName, ["a", "b", "c", "windows-only"]))


def item(*requires: str) -> dict[str, Any]:
    return {"metadata": {"name": "a", "version": "1", "requires_dist": list(requires)}}


def test_a_marker_that_does_not_hold_is_left_out() -> None:
    package = item("b", "windows-only; sys_platform == 'win32'")
    assert python_lock.dependencies(package, frozenset(), KNOWN) == {"b": frozenset()}


def test_an_extra_counts_only_when_asked_for() -> None:
    package = item("b; extra == 'fast'")
    assert python_lock.dependencies(package, frozenset(), KNOWN) == {}
    assert python_lock.dependencies(package, frozenset({"fast"}), KNOWN) == {"b": frozenset()}


def test_extras_asked_of_a_dependency_are_kept() -> None:
    package = item("b[x]", "b[y]>=1", "not-locked")
    assert python_lock.dependencies(package, frozenset(), KNOWN) == {"b": frozenset({"x", "y"})}
