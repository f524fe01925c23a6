"""Debian packages in a layer: one /usr, nothing that nobody reads, no more rights than needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from oci_tool.debian import merged_target, unpack
from oci_tool.tree import Entry, Kind, RefusedError, Tree
from sample import deb


def unpacked(tmp_path: Path, members: dict[str, str | tuple[str, int]], *left_out: str) -> dict[str, Entry]:
    tree = Tree()
    (tmp_path / "work").mkdir()
    unpack(deb(tmp_path / "sample.deb", members), tree, tmp_path / "work", left_out)
    return dict(tree.entries())


def test_usr_is_one(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        {
            "lib/": "",
            "lib/a.so.1": "library",
            "lib/a.so": "-> a.so.1",
            "lib64/up": "-> ../usr/lib/b",
            "bin/tool": ("program", 0o755),
            "usr/lib/b": "other",
            "usr/bin/over": "-> ../../bin/tool",
        },
    )
    assert {path for path, entry in found.items() if entry.kind is not Kind.DIRECTORY} == {
        "usr/lib/a.so.1",
        "usr/lib/a.so",
        "usr/lib64/up",
        "usr/bin/tool",
        "usr/lib/b",
        "usr/bin/over",
        "var/lib/dpkg/status.d/sample",
    }
    assert found["usr/lib/a.so"].target == "a.so.1"
    assert found["usr/lib64/up"].target == "../lib/b"
    assert found["usr/bin/tool"].mode == 0o755


@pytest.mark.parametrize(
    ("path", "target", "expected"),
    [
        ("./lib/x86_64-linux-gnu/a.so", "a.so.1", "a.so.1"),
        ("./lib/x86_64-linux-gnu/a.so", "../../usr/lib/b", "../b"),
        ("./sbin/c", "../bin/d", "../bin/d"),
        ("./lib64/ld.so", "/lib/ld.so", "/lib/ld.so"),
        ("./usr/lib/a", "../share/b", "../share/b"),
        ("./bin/e", "../etc/e", "../../etc/e"),
    ],
)
def test_links_point_where_they_did(path: str, target: str, expected: str) -> None:
    assert merged_target(path, target) == expected


def test_documentation_goes_and_copyright_stays(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        {
            "usr/share/doc/sample/copyright": "licence",
            "usr/share/doc/sample/changelog.gz": "news",
            "usr/share/man/man1/sample.1.gz": "manual",
            "usr/share/locale/de/LC_MESSAGES/sample.mo": "words",
            "etc/init.d/sample": ("script", 0o755),
            "usr/share/sample/data": "data",
            "usr/bin/extra": "left out by its target",
        },
        "usr/bin/*",
    )
    assert {path for path, entry in found.items() if entry.kind is Kind.FILE} == {
        "usr/share/doc/sample/copyright",
        "usr/share/sample/data",
        "var/lib/dpkg/status.d/sample",
    }


def test_nothing_keeps_another_users_rights_or_lets_others_write(tmp_path: Path) -> None:
    found = unpacked(
        tmp_path,
        {"usr/bin/su": ("program", 0o4755), "etc/open": ("all", 0o666), "etc/secret": ("root's", 0o640)},
    )
    assert [f"{found[path].mode:o}" for path in ("usr/bin/su", "etc/open", "etc/secret")] == [
        "755",
        "644",
        "644",
    ]
    assert all((entry.uid, entry.gid) == (0, 0) for entry in found.values())


def test_one_file_with_two_names_stays_one(tmp_path: Path) -> None:
    found = unpacked(tmp_path, {"usr/bin/a": ("program", 0o755), "usr/bin/b": "= usr/bin/a"})
    assert found["usr/bin/a"].source == found["usr/bin/b"].source
    assert found["usr/bin/b"].mode == 0o755


def test_the_second_name_of_what_is_left_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"sample\.deb: /usr/bin/b is a name of \./usr/share/man/a"):
        unpacked(tmp_path, {"usr/share/man/a": "x", "usr/bin/b": "= usr/share/man/a"})


def test_a_file_that_is_no_package_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.deb").write_bytes(b"something else")
    with pytest.raises(RefusedError, match=r"bad\.deb: is no Debian package"):
        unpack(tmp_path / "bad.deb", Tree(), tmp_path)


def test_two_packages_with_the_same_file_are_refused(tmp_path: Path) -> None:
    tree = Tree()
    unpack(deb(tmp_path / "a.deb", {"etc/same": "1"}), tree, tmp_path)
    with pytest.raises(RefusedError, match="/etc/same: comes twice"):
        unpack(deb(tmp_path / "b.deb", {"etc/same": "2"}), tree, tmp_path)
