import pytest
from sqlmodel_framework.observe.harmless import without_url_secrets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("items.csv", "items.csv"),
        ("50% of a/b?", "50% of a/b"),
        ("s3://bucket/a@b/c.csv", "s3://bucket/a@b/c.csv"),
        ("http://host:8080/a@b", "http://host:8080/a@b"),
        ("see https://me:pa@ss/word@host:1/x?key=1#y (twice)", "see https://host:1/x (twice)"),
        ("https://token@host/x and ftp://u:p@h", "https://host/x and ftp://h"),
        ("with url: /api/v1?key=1 (caused by)", "with url: /api/v1 (caused by)"),
    ],
)
def test_what_may_be_a_secret_is_gone(text: str, expected: str) -> None:
    assert without_url_secrets(text) == expected
