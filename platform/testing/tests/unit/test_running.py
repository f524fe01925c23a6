"""The report in a runner's output, and URLs of databases."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from datakit_testing.containers import Container
from datakit_testing.databases import Database
from datakit_testing.engine import Engine
from datakit_testing.images import Image
from datakit_testing.running import report_in


@pytest.mark.parametrize(
    ("stdout", "report"),
    [
        ("", None),
        ("\n", None),
        ("text\n", None),
        ("[1]\n", None),
        ('{"a": 1}\ntext\n', None),
        ('text\n{"a": 1}\n\n', {"a": 1}),
        ('{"a": 1}', {"a": 1}),
    ],
)
def test_the_report_is_the_last_line(stdout: str, report: object) -> None:
    assert report_in(stdout) == report


@pytest.mark.parametrize("kind", ["postgres", "mariadb"])
def test_urls_are_quoted(kind: str) -> None:
    container = Container(Engine("docker", "docker"), "0", "db", Image(Path(), "", {}, ""))
    database = Database(kind, container, "127.0.0.1", 12345, "a@b", "p/w:%@x", "d/b")
    for text, host, port in (
        (database.url, "127.0.0.1", 12345),
        (database.inside_url, "db", 5432 if kind == "postgres" else 3306),
    ):
        url = urlsplit(text)
        assert [unquote(part or "") for part in (url.username, url.password, url.path)] == [
            "a@b",
            "p/w:%@x",
            "/d/b",
        ]
        assert (url.hostname, url.port) == (host, port)
    assert urlsplit(database.inside_url_without_password).password is None
