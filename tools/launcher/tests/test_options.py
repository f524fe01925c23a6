"""What the launcher says about itself."""

from __future__ import annotations

import pytest
from machine import Machine


@pytest.mark.parametrize(
    "arguments",
    [
        ["--launcher-"],
        ["--launcher-stauts"],
        ["--launcher-status", "--all"],
        ["--launcher-clean", "//..."],
        ["--launcher-clean", "--all", "more"],
        ["--launcher-clean", "--all", "more", "and more"],
    ],
)
def test_an_unknown_option_is_one_line(machine: Machine, arguments: list[str]) -> None:
    result = machine.bazelw(*arguments)
    assert (result.code, result.out) == (64, "")
    assert result.said == [f"no such option: {' '.join(arguments)}; ./bazelw --launcher-help names them"]
    assert not machine.state.exists()


def test_help_names_every_option_and_every_exit_code(machine: Machine) -> None:
    result = machine.bazelw("--launcher-help")
    assert (result.code, result.err) == (0, "")
    for word in ("--launcher-status", "--launcher-clean", "--all", "DATAKIT_BAZEL", "64", "69", "73", "75"):
        assert word in result.out
    assert "not tested" in result.out


def test_status_before_the_first_use(machine: Machine) -> None:
    result = machine.bazelw("--launcher-status")
    assert (result.code, result.err) == (0, "")
    assert "7.7.1, Debian's, in a root of its own" in result.out
    assert "not there; the next call makes it" in result.out
    assert not machine.state.exists()


def test_status_tells_a_whole_root_from_a_broken_one(machine: Machine) -> None:
    root = machine.parts('ensure_root; printf "%s" "$root"').out
    whole = machine.bazelw("--launcher-status", IN_ROOT="7 bazel(ws) --x\n8 sh\n")
    assert f"{root} (forky, made " in whole.out
    assert ", whole)" in whole.out
    assert "bazel-bootstrap 7.7.1" in whole.out
    assert "1 Bazel servers, 1 other processes" in whole.out
    machine.state.joinpath(root, "usr/bin/bazel").unlink()
    assert "broken: the next call makes it again" in machine.bazelw("--launcher-status").out


def test_clean_removes_roots_and_keeps_what_was_built(machine: Machine) -> None:
    machine.parts("ensure_root")
    for name in ("bazel", "disk", "repository", "root-old", "root-new.partial"):
        machine.state.joinpath(name).mkdir()
        machine.state.joinpath(name, "file").write_text("")
    result = machine.bazelw("--launcher-clean")
    assert (result.code, result.out) == (0, "")
    assert machine.roots() == []
    assert {path.name for path in machine.state.iterdir()} >= {"bazel", "disk", "repository"}
    assert sum(line.startswith("kept ") for line in result.said) == 3
    assert machine.bazelw("--launcher-clean", "--all").code == 0
    assert not machine.state.exists()


def test_clean_removes_nothing_while_a_program_runs(machine: Machine) -> None:
    machine.parts("ensure_root")
    before = machine.roots()
    result = machine.bazelw("--launcher-clean", IN_ROOT="4711 python demo.py\n4712 bazel(ws) --x\n")
    assert (result.code, result.said) == (75, ["still in use by process 4711 python demo.py: end it first"])
    assert machine.roots() == before


def test_clean_removes_nothing_while_another_call_makes_the_root(machine: Machine) -> None:
    machine.parts("ensure_root")
    before = machine.roots()
    result = machine.parts(
        'source "$launcher/commands.sh"; exec {held}>"$state/lock"; flock "$held"; '
        "launcher_command --launcher-clean"
    )
    assert (result.code, result.said) == (75, ["another call is making the Debian root: let it end first"])
    assert machine.roots() == before


def test_clean_is_refused_inside_the_root(machine: Machine) -> None:
    machine.parts("ensure_root")
    result = machine.parts(
        'source "$launcher/commands.sh"; inside_marker=/; launcher_command --launcher-clean --all'
    )
    assert result.code == 64
    assert len(result.said) == 1
    assert machine.roots()


@pytest.mark.parametrize("path", ["$HOME", "$state", "$state/", "$workspace"])
def test_nothing_outside_of_the_launchers_folder_is_ever_removed(machine: Machine, path: str) -> None:
    result = machine.parts(f'remove "{path}"')
    assert (result.code, len(result.said)) == (70, 1)
    assert machine.state.exists()
