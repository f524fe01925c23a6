"""The lock's dependencies follow markers and extras, as pip's do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import python_lock
from packaging.utils import NormalizedName

KNOWN = frozenset(map(NormalizedName, ["a", "b", "c", "windows-only"]))

# Writes down what it was asked, and reports one package.
FAKE_PIP = """
import json, pathlib, sys
options = dict(a[2:].split("=", 1) for a in sys.argv[1:] if "=" in a)
read = lambda name: pathlib.Path(options[name]).read_text()
pathlib.Path({seen!r}).write_text(read("requirement") + "|" + read("constraint"))
source = {{"url": "file:///a-1.whl", "archive_info": {{"hashes": {{"sha256": "0" * 64}}}}}}
found = {{"metadata": {{"name": "a", "version": "1"}}, "download_info": source}}
pathlib.Path(options["report"]).write_text(json.dumps({{"install": [found]}}))
"""


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


def lock_of(**requires: list[str]) -> dict[NormalizedName, dict[str, Any]]:
    return {NormalizedName(name): item(*lines) for name, lines in requires.items()}


def needs(name: str, items: dict[NormalizedName, dict[str, Any]], *extras: str) -> set[str]:
    return set(python_lock.needs(NormalizedName(name), frozenset(extras), items))


def test_what_an_extra_brings_is_needed_by_who_asks_for_it_alone() -> None:
    items = lock_of(
        asks=["base[fast]"],
        plain=["base"],
        base=["always", "c; extra == 'fast'"],
        always=[],
        c=["deep"],
        deep=[],
    )
    assert needs("asks", items) == {"base", "c"}
    assert needs("plain", items) == {"base"}
    assert needs("base", items) == {"always"}
    assert needs("base", items, "fast") == {"always", "c"}


def test_an_extra_that_asks_for_further_extras_brings_theirs() -> None:
    items = lock_of(
        asks=["b[all]"], b=["b[x]; extra == 'all'", "c[y]; extra == 'x'"], c=["d; extra == 'y'"], d=[]
    )
    assert needs("asks", items) == {"b", "c", "d"}
    assert needs("b", items) == set()
    assert needs("b", items, "all") == {"c", "d"}


def test_packages_that_need_each_other_by_extras_come_to_an_end() -> None:
    items = lock_of(a=["b[x]"], b=["a[y]; extra == 'x'"])
    items[NormalizedName("a")]["metadata"]["requires_dist"].append("b[x]; extra == 'y'")
    assert needs("a", items) == {"b"}
    assert needs("b", items) == set()


def test_what_is_locked_can_be_kept() -> None:
    assert python_lock.kept("# made by\na 1 a-1.whl 00 -\nb 2.0 b.tar.gz 11 a\n") == ["a==1", "b==2.0"]


def test_constraints_bind_pip_and_the_lock_has_what_it_chose(tmp_path: Path) -> None:
    wanted, seen = tmp_path / "python.in", tmp_path / "seen"
    wanted.write_text("a\n")
    # Stands in for pip's command, which would ask a registry.
    pip = tmp_path / "pip.py"
    pip.write_text(FAKE_PIP.format(seen=str(seen)))
    lines = list(python_lock.resolve(wanted, [str(pip)], ["a==1"]))
    assert lines == [f"a 1 a-1.whl {'0' * 64} -"]
    assert seen.read_text() == "a\n|a==1\n"
