import json
import socket
from pathlib import Path

import pytest
from sqlmodel_framework import Target
from sqlmodel_framework.cli.main import main


def test_every_target_gets_one_line(
    datakit_server: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    url = datakit_server.secret_url().render_as_string(hide_password=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        (tmp_path / "datakit.toml").write_text(
            f'[targets.good]\nurl = "{url}"\n'
            f'[targets.gone]\nurl = "postgresql://127.0.0.1:{free.getsockname()[1]}/d"\n'
            '[targets.keyless]\nurl = "postgresql://me@h/d"\npassword_env = "NOT_SET_ANYWHERE"\n'
        )
        # One of them is not mended by trying again.
        assert main(["targets", "check"]) == 64
        assert main(["targets", "check", "gone", "good"]) == 69
    gone, good, keyless, *again = capsys.readouterr().out.splitlines()
    assert again == [gone, good]
    assert gone.startswith("gone: target gone cannot be reached: ")
    assert good.startswith("good: ok, postgresql ")
    assert keyless.startswith("keyless: target keyless: the environment variable NOT_SET_ANYWHERE is not set")
    assert main(["targets", "check", "good"]) == 0


def test_groups_and_urls_are_checked_by_name_and_told_as_json(
    datakit_server: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    url = datakit_server.url.render_as_string()
    (tmp_path / "datakit.toml").write_text(
        f'[targets.good]\nurl = "{url}"\n[targets.bad]\nurl = "postgresql+no_such_driver://h/d"\n'
        '[targets.other]\nurl = "postgresql://h/d"\n[groups]\nboth = ["good", "bad"]\n'
    )
    assert main(["targets", "check", url, "both", "good", "--json"]) == 64
    there, good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (there["target"], there["server"]) == (datakit_server.place, good["server"])
    assert (good["target"], good["error"], good["exit_code"]) == ("good", None, 0)
    assert (bad["target"], bad["server"], bad["exit_code"]) == ("bad", None, 64)
    assert "no_such_driver is missing" in bad["error"]
    assert main(["targets", "check", "nobody"]) == 64
    assert capsys.readouterr().out.startswith("nobody: there is no target 'nobody' (named are: bad, good")


def test_no_target_at_all_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["targets", "check"]) == 64
    assert capsys.readouterr().err.startswith("error: no target is named\nhint: write [targets.NAME]")


def test_a_password_on_the_command_line_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["targets", "check", "postgresql://me:s3cret@h/d"]) == 64
    assert "s3cret" not in capsys.readouterr().err
