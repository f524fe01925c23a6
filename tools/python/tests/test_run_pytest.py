"""A skip that nobody agreed to fails its test run; one on the list does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import run_pytest


def outcome(tmp_path: Path, body: str, allowed: set[str], *options: str) -> tuple[int, dict[str, int]]:
    file = tmp_path / f"test_of_{tmp_path.name}.py"  # modules are imported once a process
    file.write_text("import pytest\n" + body)
    plugin = run_pytest.AgreedSkips(frozenset(allowed))
    arguments = ["-q", "--import-mode=importlib", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", *options]
    return int(pytest.main([*arguments, str(file)], plugins=[plugin])), plugin.skipped


SKIPPING = "def test_one(): pytest.skip('no server')\ndef test_two(): pass\n"


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_an_unknown_skip_fails(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert outcome(tmp_path, SKIPPING, set(), *options) == (pytest.ExitCode.TESTS_FAILED, {"no server": 1})


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_an_agreed_skip_passes(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert outcome(tmp_path, SKIPPING, {"no server"}, *options) == (pytest.ExitCode.OK, {"no server": 1})


def test_a_skipped_module_counts(tmp_path: Path) -> None:
    body = "pytest.skip('no module', allow_module_level=True)\n"
    code, skipped = outcome(tmp_path, body, set())
    assert code != pytest.ExitCode.OK
    assert skipped == {"no module": 1}


def test_a_marked_skip_counts(tmp_path: Path) -> None:
    body = "@pytest.mark.skipif(True, reason='not here')\ndef test_one(): pass\ndef test_two(): pass\n"
    assert outcome(tmp_path, body, set()) == (pytest.ExitCode.TESTS_FAILED, {"not here": 1})


def test_a_run_without_tests_fails(tmp_path: Path) -> None:
    assert outcome(tmp_path, "", set())[0] == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_list_is_read_without_its_comments() -> None:
    assert run_pytest.allowed_skips("# why\n\nno server\n") == {"no server"}


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_folder_called_platform_does_not_hide_the_standard_library(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    file = tmp_path / "platform" / f"test_of_{tmp_path.name}.py"
    file.parent.mkdir()
    file.write_text("def test_one():\n    import platform\n    assert platform.system() == 'Linux'\n")
    arguments = ["-q", "--import-mode=importlib", "-p", "keep_platform", "-p", "no:cacheprovider", *options]
    assert pytest.main([*arguments, f"--rootdir={tmp_path}", str(file)]) == pytest.ExitCode.OK
