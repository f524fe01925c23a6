"""Commands of other packages: found by entry point, imported when they are wanted, harmless when broken."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlmodel_framework.cli.main import main

GOOD = """
import typer

app = typer.Typer(help="Greets people.")


@app.callback()
def _greetings() -> None:
    pass


@app.command()
def hello(name: str) -> int:
    "Say hello."
    typer.echo(f"hello {name}")
    return 3


@app.command()
def fail() -> None:
    "Go wrong."
    from sqlmodel_framework.errors import ContractError

    raise ContractError("nobody is there", hint="wait")
"""


class Site:
    """Distributions as pip leaves them: a module, and a dist-info folder beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, command: str, module: str, content: str, attribute: str = "app") -> None:
        (self.folder / f"{module}.py").write_text(content)
        info = self.folder / f"{module}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            f"[sqlmodel_framework.commands]\n{command} = {module}:{attribute}\n"
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Site(tmp_path)


def test_a_command_of_another_package_works_like_ones_own(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.add("greet", "cli_greetings", GOOD)
    assert main(["greet", "hello", "you"]) == 3
    assert capsys.readouterr().out == "hello you\n"
    assert main(["greet", "fail"]) == 65
    assert capsys.readouterr().err == "error: nobody is there\nhint: wait\n"
    assert main(["greet", "hullo"]) == 64
    assert capsys.readouterr().err == (
        "error: No such command 'hullo'. Did you mean 'hello'?\nhint: datakit greet --help\n"
    )
    assert main(["greet", "--help"]) == 0
    assert "Usage: datakit greet" in capsys.readouterr().out


def test_help_lists_it_after_the_own_commands(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("another", "cli_another", GOOD)
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.index("\n  targets ") < shown.out.index("\n  another  ")
    assert "Greets people." in shown.out


def test_it_is_imported_only_when_it_is_wanted(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("lazy", "cli_lazy", GOOD)
    assert main(["targets", "--help"]) == 0
    assert main(["--version"]) == 0
    assert "cli_lazy" not in sys.modules
    assert main(["lazy", "--help"]) == 0
    assert "cli_lazy" in sys.modules


BROKEN = {
    "cli_missing": (
        "import nothing_of_that_name",
        "ModuleNotFoundError: No module named 'nothing_of_that_name'",
    ),
    "cli_leaves": ("raise SystemExit(2)", "SystemExit: 2"),
    "cli_raises": ("raise ValueError('first\\nsecond')", "ValueError: first second"),
    "cli_text": ("app = 'text'", "TypeError: cli_text:app is a str, not a Typer"),
    "cli_empty": ("", "AttributeError: module 'cli_empty' has no attribute 'app'"),
}


@pytest.mark.parametrize("module", BROKEN)
def test_a_broken_one_is_a_line_and_stops_no_other_command(
    module: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    content, why = BROKEN[module]
    site.add("broken", module, content)
    line = f"the command 'broken' of {module} cannot be loaded: {why}\n"
    assert main(["--help"]) == 0
    shown = capsys.readouterr()
    assert shown.err == f"warning: {line}"
    assert "\n  run " in shown.out
    assert "\n  broken " not in shown.out
    assert main(["run", "--help"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["broken"]) == 64
    assert capsys.readouterr().err == f"error: {line}hint: update or uninstall {module}\n"


def test_the_own_command_of_a_name_stays(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("plan", "cli_thief", GOOD)
    assert main(["plan", "--help"]) == 0
    assert "Show what a deployment would change" in capsys.readouterr().out
    assert "cli_thief" not in sys.modules


def test_two_packages_of_one_command_are_both_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("twice", "cli_one", GOOD)
    site.add("twice", "cli_two", GOOD)
    assert main(["twice"]) == 64
    assert capsys.readouterr().err == (
        "error: the command 'twice' is added by several packages: cli_one, cli_two\n"
        "hint: uninstall all but one\n"
    )
    assert main(["--help"]) == 0
    assert "warning: the command 'twice' is added by several packages" in capsys.readouterr().err
