"""Which engine is chosen, and how commands are run."""

from __future__ import annotations

from pathlib import Path

import pytest
from datakit_testing import engine
from datakit_testing.engine import ContainerError, Engine, find_engine


def program(folder: Path, name: str, body: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without the launcher, whose programs are in this folder."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(engine.CHOICE_VARIABLE, raising=False)
    monkeypatch.setattr(engine, "LAUNCHER_MARKER", tmp_path / "no-launcher")
    return tmp_path


def test_a_machine_without_any_has_none(path: Path) -> None:
    assert find_engine() is None


def test_the_first_that_answers_is_taken(path: Path) -> None:
    program(path, "docker", "exit 1")
    program(path, "podman", "exit 0")
    found = find_engine()
    assert found is not None
    assert (found.kind, found.private, found.is_podman) == ("podman", False, True)
    program(path, "docker", "exit 0")
    found = find_engine()
    assert found is not None
    assert (found.kind, found.private, found.is_podman) == ("docker", False, False)


def test_in_the_launchers_root_it_is_podman_even_if_it_does_not_work(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "docker", "exit 0")
    monkeypatch.setattr(engine, "LAUNCHER_MARKER", path)
    found = find_engine()
    assert found is not None
    assert (found.kind, found.private) == ("launcher", True)


@pytest.mark.parametrize(
    ("choice", "message"),
    [("podman", "podman, which is not there"), ("lxc", "launcher, docker or podman is possible")],
)
def test_a_choice_that_is_not_there_is_a_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch, choice: str, message: str
) -> None:
    program(path, "docker", "exit 0")
    monkeypatch.setenv(engine.CHOICE_VARIABLE, choice)
    with pytest.raises(ContainerError, match=message):
        find_engine()


def test_a_failure_names_the_command_and_what_it_printed(path: Path) -> None:
    program(path, "podman", "echo 'no such thing' >&2; exit 125")
    with pytest.raises(ContainerError, match=r"^podman rm x: exit code 125: no such thing$"):
        Engine("podman", str(path / "podman")).do("rm", "x")


def test_secrets_go_by_the_environment_and_are_in_no_message(path: Path) -> None:
    program(path, "podman", 'echo "$SECRET ${#SECRET}"; exit $1')
    podman = Engine("podman", str(path / "podman"))
    assert podman.do("0", secrets={"SECRET": "abc"}) == "abc 3"
    assert podman.try_to("7").exit_code == 7


def test_a_command_has_a_deadline(path: Path) -> None:
    program(path, "podman", "while :; do :; done")
    with pytest.raises(ContainerError, match="podman wait: still running after 0 s"):
        Engine("podman", str(path / "podman")).do("wait", seconds=0.1)
