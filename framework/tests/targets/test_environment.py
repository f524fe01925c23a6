from pathlib import Path

import pytest
from sqlmodel_framework import DatakitError
from sqlmodel_framework.targets.settings import read_settings, resolve_target

FILE = """
target = "one"

[targets.one]
url = "postgresql://me@file.example/one"
lock_timeout = 2

[targets.two-with-dash]
url = "postgresql://me@file.example/two"
"""


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datakit.toml").write_text(FILE)
    monkeypatch.chdir(tmp_path)


def test_one_value_from_the_environment_leaves_the_others_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__ONE__URL", "postgresql://me@env.example/one")
    one = resolve_target("one")
    assert (one.url.host, one.lock_timeout) == ("env.example", 2)
    assert resolve_target("two-with-dash").url.host == "file.example"


def test_the_environment_adds_targets_and_names_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__THREE__URL", "postgresql://me@env.example/three")
    monkeypatch.setenv("DATAKIT_TARGET", "three")
    settings = read_settings()
    assert settings.target == "three"
    assert sorted(settings.targets) == ["one", "three", "two-with-dash"]


def test_other_variables_of_that_prefix_are_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TEST_URL", "postgresql://me@env.example/three")
    monkeypatch.setenv("DATAKIT_FILE", "/nowhere")
    settings = read_settings()
    assert sorted(settings.targets) == ["one", "two-with-dash"]
    assert settings.file == Path("datakit.toml").resolve()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DATAKIT_TARGETS__ONE__LOCK_TIMEOUT", "hush", r"targets\.one\.lock_timeout"),
        ("DATAKIT_TARGETS__ONE__CONNECT_TIMEOUT", "0", r"targets\.one\.connect_timeout"),
        ("DATAKIT_TARGETS__ONE__PROT", "hush", r"targets\.one\.prot"),
        ("DATAKIT_TARGETS__NEW__LOCK_TIMEOUT", "1", r"targets\.new\.url"),
        ("DATAKIT_TARGETS", "hush, not JSON", "targets"),
        ("DATAKIT_TARGETS", '{"one": "hush"}', r"targets\.one"),
    ],
)
def test_a_mistake_in_the_environment_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(DatakitError, match=expected) as caught:
        read_settings()
    assert caught.value.exit_code == 64
    assert "hush" not in f"{caught.value!r} {caught.value.hint}"
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("url", ["hush", "postgresql://u:hush@h:port/d", "postgresql://u:hush@h h/d"])
def test_a_bad_url_in_the_environment_names_its_target_and_not_itself(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__ONE__URL", url)
    with pytest.raises(DatakitError, match=r"target one\b|targets\.one\b|TARGETS__ONE\b") as caught:
        resolve_target("one")
    assert "hush" not in f"{caught.value!r} {caught.value.hint}"


def test_a_file_that_cannot_be_read_as_text_is_one_clear_line() -> None:
    Path("datakit.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DatakitError, match=r"datakit\.toml is not valid TOML"):
        read_settings()


def test_a_folder_of_that_name_is_not_the_file(tmp_path: Path) -> None:
    below = tmp_path / "below"
    (below / "datakit.toml").mkdir(parents=True)
    assert read_settings(below).file == (tmp_path / "datakit.toml").resolve()
