from pathlib import Path

import pytest
from sqlmodel_framework import DatakitError, Target
from sqlmodel_framework.targets.settings import read_settings, resolve_target

FILE = """
target = "local"

[targets.local]
url = "postgresql://me@localhost/shop"
password_file = "secret"
lock_timeout = 2.5

[targets.other]
url = "postgresql://other.example/shop"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "datakit.toml").write_text(FILE)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "er")
    for name in ("DATAKIT_TARGET", "DATAKIT_TARGETS__LOCAL__URL", "DATAKIT_TARGETS__NEW__URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def complain(project: Path, text: str) -> str:
    (project / "datakit.toml").write_text(text)
    with pytest.raises(DatakitError) as caught:
        read_settings()
    assert caught.value.exit_code == 64
    return f"{caught.value} / {caught.value.hint}"


def test_the_nearest_file_above_is_read(project: Path) -> None:
    settings = read_settings()
    assert settings.target == "local"
    (project / "secret").write_text("hush\n")
    found = settings.find("local")
    assert (found.name, found.lock_timeout, found.secret_url().password) == ("local", 2.5, "hush")


def test_the_environment_wins_over_the_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TARGET", "new")
    monkeypatch.setenv("DATAKIT_TARGETS__NEW__URL", "postgresql://a:b@new.example/x")
    monkeypatch.setenv("DATAKIT_TARGETS__LOCAL__LOCK_TIMEOUT", "7")
    settings = read_settings()
    assert settings.target == "new"
    assert settings.find("new").secret_url().password == "b"
    assert settings.find("local").lock_timeout == 7
    assert settings.find("local").url.host == "localhost"


def test_without_a_file_the_environment_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__NEW__URL", "postgresql://new.example/x")
    assert read_settings(tmp_path).find("new").url.host == "new.example"


def test_an_unknown_target_names_those_that_there_are(project: Path) -> None:
    with pytest.raises(DatakitError, match="there is no target 'lokal'") as caught:
        resolve_target("lokal")
    assert caught.value.hint == "named are: local, other; did you mean 'local'?"


def test_a_password_in_the_file_is_refused_and_not_shown(project: Path) -> None:
    text = complain(project, '[targets.x]\nurl = "postgresql://me:hush@h/d"\n')
    assert "targets.x.url holds a password" in text
    assert "password_env" in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("targets = ", "is not valid TOML"),
        ("color = 1", "unknown key 'color'"),
        (
            '[targets.x]\nurl = "postgresql://h/d"\nprot = 1\n',
            "targets.x.prot: Extra inputs are not permitted",
        ),
        ("[targets.x]\n", "targets.x.url: Field required"),
        ('[targets.x]\nurll = "postgresql://h/d"\n', "targets.x.urll: Extra inputs are not permitted"),
        ('[targets.Big]\nurl = "postgresql://h/d"\n', "a target cannot be called 'Big'"),
        ('[targets.x]\nurl = "postgresql://h/d"\nlock_timeout = -1\n', "targets.x.lock_timeout"),
        ("targets = 3", "targets:"),
    ],
)
def test_a_mistake_in_the_file_is_one_clear_line(project: Path, text: str, expected: str) -> None:
    assert expected in complain(project, text)


def test_a_secret_in_the_environment_is_in_no_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__NEW__URL", "postgresql://me:hush@h/d")
    monkeypatch.setenv("DATAKIT_TARGETS__NEW__LOCK_TIMEOUT", "hush")
    with pytest.raises(DatakitError, match=r"targets\.new\.lock_timeout") as caught:
        read_settings()
    assert "hush" not in str(caught.value)
    monkeypatch.delenv("DATAKIT_TARGETS__NEW__LOCK_TIMEOUT")
    assert "hush" not in repr(read_settings())


def test_a_target_or_a_url_needs_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    target = Target("postgresql://h/d")
    assert resolve_target(target) is target
    assert resolve_target("postgresql://h/d").url == target.url
    assert resolve_target(target.url).url == target.url
