import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from sqlmodel_framework import DatakitError, Target

SECRET = "s3cr3t-%@/: ü"
SENDABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=4, max_size=20)


def test_a_password_is_in_no_representation() -> None:
    for target in (
        Target(URL.create("postgresql", username="me", password=SECRET, host="h", database="d")),
        Target("postgresql://me@h/d", password=SECRET),
        Target("postgresql://me@h/d", password=lambda: SECRET),
    ):
        assert target.secret_url().password == SECRET
        for shown in (repr(target), str(target), f"{target}", target.name, target.place, repr(target.url)):
            assert "s3cr3t" not in shown
        assert target.url.password is None


def test_a_target_is_not_pickled() -> None:
    with pytest.raises(TypeError, match="may hold a password"):
        pickle.dumps(Target("postgresql://h/d"))


def test_the_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target("postgresql://me@h/d", name="t", password_env="SHOP_PASSWORD")
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    assert target.secret_url().password == SECRET
    monkeypatch.delenv("SHOP_PASSWORD")
    with pytest.raises(DatakitError, match="target t: the environment variable SHOP_PASSWORD is not set"):
        target.secret_url()


def test_the_password_comes_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "password"
    target = Target("postgresql://me@h/d", name="t", password_file=file)
    for end in ("", "\n", "\r\n"):
        file.write_bytes(f"{SECRET}{end}".encode())
        assert target.secret_url().password == SECRET
    file.write_bytes(b"\xff")
    with pytest.raises(DatakitError, match="cannot be read: not UTF-8"):
        target.secret_url()
    file.unlink()
    with pytest.raises(DatakitError, match="cannot be read: No such file"):
        target.secret_url()


def test_a_password_given_twice_is_refused() -> None:
    with pytest.raises(DatakitError, match="more than one way"):
        Target("postgresql://h/d", password="x", password_env="Y")


@given(SENDABLE, st.text(max_size=20), st.text(max_size=20))
def test_mask_leaves_nothing_of_a_password(password: str, before: str, after: str) -> None:
    target = Target("postgresql://me@h/d", password=password)
    target.secret_url()
    assert password not in target.mask(f"{before}{password}{after}").replace("***", "\0***\0")


def test_mask_knows_a_password_that_is_written_as_in_a_url() -> None:
    target = Target("postgresql://me@h/d", password="a b/c@d%")
    url = target.secret_url().render_as_string(hide_password=False)
    assert target.mask(f"could not use {url}") == "could not use postgresql+psycopg2://me:***@h/d"
