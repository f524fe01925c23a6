from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from sqlmodel_framework import __version__
from sqlmodel_framework.cli import main as main_module
from sqlmodel_framework.cli.main import main

if TYPE_CHECKING:
    from conftest import Shop

COMMANDS = ("run", "deploy", "new", "query", "targets", "verify")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {command} " in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: datakit {command}" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"datakit {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        ([], "Missing command.", "datakit --help"),
        (["targets"], "Missing command.", "datakit targets --help"),
        (["rum"], "No such command 'rum'. Did you mean 'run'?", "datakit --help"),
        (["run"], "Missing argument 'NAME'.", "datakit run --help"),
        (
            ["run", "x", "--tarket", "y"],
            "No such option: --tarket (Possible options: --target)",
            "datakit run --help",
        ),
    ],
)
def test_a_mistyped_command_is_one_line_and_exits_with_64(
    arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 64
    assert capsys.readouterr().err == f"error: {error}\nhint: {hint}\n"


def test_an_error_nobody_foresaw_is_one_line_and_exits_with_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_name: str) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr(sys.modules["sqlmodel_framework.cli.run"], "find_datakit", broken)
    assert main_module.main(["run", "x"]) == 70
    assert capsys.readouterr().err == (
        "error: unexpected: KeyError: 'surprise'\nhint: datakit --debug ... shows where\n"
    )
    assert main_module.main(["--debug", "run", "x"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_the_command_runs_as_a_module(shop: Shop) -> None:
    done = shop.run("--version")
    assert (done.returncode, done.stdout) == (0, f"datakit {__version__}\n")
