import re
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework import DatakitError
from sqlmodel_framework.targets.url import has_password, parse_url, shown

# Every character but those that no text of PostgreSQL can hold.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(password=TEXT, user=TEXT)
def test_an_encoded_user_and_password_are_read_back(password: str, user: str) -> None:
    url = parse_url(f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@db.example:5433/name")
    assert (url.username, url.password) == (user, password)
    assert (url.host, url.port, url.database) == ("db.example", 5433, "name")


def is_plain(password: str) -> bool:
    # me:x@h?a=b@host has two readings, as an option may hold an @; what has only one must work.
    return "%" not in password and not re.search(r"\?.*=", password, re.DOTALL)


@given(password=TEXT.filter(is_plain))
def test_a_password_that_nobody_encoded_is_read_as_it_stands(password: str) -> None:
    url = parse_url(f"postgresql://me:{password}@db.example/name")
    assert (url.username, url.password, url.host, url.database) == ("me", password, "db.example", "name")


@given(password=TEXT)
def test_what_is_shown_of_a_url_does_not_depend_on_its_password(password: str) -> None:
    url = parse_url(f"postgresql://me:{quote(password, safe='')}@db.example/name")
    assert shown(url) == "postgresql://me@db.example/name"


@given(password=TEXT, place=st.sampled_from(["h", "h:bad", "h:99999", "h h", "[::1", "", "ho#st:1"]))
def test_an_error_about_a_url_never_repeats_it(password: str, place: str) -> None:
    secret = f"<<{password}>>"
    try:
        parse_url(f"postgresql://me:{secret}@{place}/name")
    except DatakitError as error:
        assert secret not in f"{error} {error.hint}"


def test_a_password_with_every_awkward_character_is_whole() -> None:
    assert parse_url("postgresql://u:p%@/: ü?#x@h/d").password == "p%@/: ü?#x"


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("postgresql://h/d", "postgresql+psycopg2"),
        ("postgres://h/d", "postgresql+psycopg2"),
        ("postgresql+psycopg://h/d", "postgresql+psycopg"),
        ("sqlite://", "sqlite"),
    ],
)
def test_a_url_without_a_driver_gets_the_one_that_is_meant(text: str, driver: str) -> None:
    assert parse_url(text).drivername == driver


def test_options_and_ipv6_hosts_are_kept() -> None:
    url = parse_url("postgresql://me@[::1]:5432/d?sslmode=require&application_name=a@b")
    assert (url.host, url.port, url.username) == ("::1", 5432, "me")
    assert dict(url.query) == {"sslmode": "require", "application_name": "a@b"}


def test_a_password_among_the_options_counts_as_one() -> None:
    url = parse_url("postgresql://me@h/d?password=secret")
    assert (url.password, dict(url.query)) == ("secret", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u:p@h/d", True),
        ("postgresql://u:@h/d", True),
        ("postgresql://u:a?b@h/d", True),
        ("postgresql://u@h/d?password=x", True),
        ("postgresql://u@h:5432/d", False),
        ("postgresql://h:5432/d?x=a@b", False),
        ("local", False),
    ],
)
def test_a_password_in_a_url_is_noticed(text: str, expected: bool) -> None:
    assert has_password(text) is expected


@pytest.mark.parametrize("text", ["", "nonsense", "://", "postgresql:/h", "postgresql://h:port/d"])
def test_what_is_no_url_is_one_clear_line(text: str) -> None:
    with pytest.raises(DatakitError, match="database URL"):
        parse_url(text)
