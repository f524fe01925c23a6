"""A Bazel of the machine is used when it can serve the workspace, and only then."""

from __future__ import annotations

import os

import pytest
from machine import Machine

BAZEL = """\
echo "$*" >>~/asked
case $* in
  --version) echo "bazel ${FAKE_VERSION:-7.7.1}" ;;
  'mod graph --lockfile_mode=off') exit "${FAKE_REACH:-0}" ;;
  *) echo "ran $*" ;;
esac
"""


@pytest.fixture
def with_bazel(machine: Machine) -> Machine:
    machine.environment.pop("DATAKIT_BAZEL")
    machine.stand_in("bazelisk", BAZEL)
    for tool in ("apt-get", "dpkg-deb", "patchelf"):
        machine.stand_in(tool, "")
    # stands for making and entering the root
    machine.stand_in("unshare", '[[ ${@: -1} == true ]] || echo "the root is entered"')
    return machine


def asked(machine: Machine) -> list[str]:
    return (machine.home / "asked").read_text().splitlines()


def test_a_suitable_one_runs_with_every_argument(with_bazel: Machine) -> None:
    result = with_bazel.bazelw("--output_base=/x y", "build", "//...")
    assert (result.code, result.out) == (0, "ran --output_base=/x y build //...\n")
    status = with_bazel.bazelw("--launcher-status").out
    assert f"{with_bazel.commands}/bazelisk, this machine's own" in status


def test_it_is_asked_once(with_bazel: Machine) -> None:
    for _ in range(3):
        with_bazel.bazelw("info")
    assert asked(with_bazel) == ["--version", "mod graph --lockfile_mode=off", "info", "info", "info"]


def test_it_is_asked_again_when_the_modules_change(with_bazel: Machine) -> None:
    with_bazel.bazelw("info")
    with_bazel.workspace.joinpath("MODULE.bazel").write_text('module(name = "other")\n')
    with_bazel.bazelw("info")
    assert asked(with_bazel).count("--version") == 2


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"FAKE_VERSION": "8.4.2"}, "it is bazel 8.4.2, the workspace asks for 7.7.1"),
        ({"FAKE_REACH": "1"}, "it cannot reach the workspace's modules"),
    ],
)
def test_one_that_cannot_serve_is_refused_with_a_reason_once_a_day(
    with_bazel: Machine, environment: dict[str, str], reason: str
) -> None:
    first = with_bazel.bazelw("info", **environment)
    assert first.out == "the root is entered\n"
    assert f"not using {with_bazel.commands}/bazelisk: {reason}" in first.said
    assert with_bazel.bazelw("info", **environment).err == ""
    os.utime(with_bazel.state / "machine-bazel", (0, 0))
    assert with_bazel.bazelw("info").out == "ran info\n"


def test_one_without_the_repository_rules_tools_is_refused(with_bazel: Machine) -> None:
    result = with_bazel.parts("rule_tools+=(no-such-tool); find_machine_bazel || echo none")
    assert result.out == "none\n"
    assert "this machine has no no-such-tool" in result.said[0]


def test_the_user_has_the_last_word(with_bazel: Machine) -> None:
    assert with_bazel.bazelw("info", DATAKIT_BAZEL="root").out == "the root is entered\n"
    with_bazel.stand_in("my-bazel", 'echo "mine: $*"')
    assert with_bazel.bazelw("info", DATAKIT_BAZEL="my-bazel").out == "mine: info\n"
    result = with_bazel.bazelw("info", DATAKIT_BAZEL="no-such-bazel")
    assert (result.code, result.said) == (64, ["DATAKIT_BAZEL=no-such-bazel is no program"])


def test_what_the_machine_lacks_is_named_in_one_line(machine: Machine) -> None:
    (machine.commands / "mmdebstrap").unlink()
    result = machine.bazelw("build", "//...")
    assert result.code == 69
    assert result.said == [
        "this machine lacks mmdebstrap: ask its administrator for: "
        "sudo apt-get install --yes --no-install-recommends mmdebstrap"
    ]


def test_a_user_without_namespaces_is_told_so(machine: Machine) -> None:
    machine.stand_in("unshare", "exit 1")
    result = machine.bazelw("build", "//...")
    assert (result.code, len(result.said)) == (69, 1)
    assert "subordinate ids" in result.said[0] or "user namespaces" in result.said[0]


def test_a_workspace_without_a_version_is_one_line(machine: Machine) -> None:
    machine.workspace.joinpath(".bazelversion").unlink()
    result = machine.bazelw("build", "//...")
    assert result.code == 64
    assert ".bazelversion is missing" in result.said[0]
