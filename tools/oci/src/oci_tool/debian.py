"""Debian packages unpacked into a layer, for a system with one /usr; no script of theirs runs."""

from __future__ import annotations

import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from oci_tool.tree import Kind, RefusedError, Tree

# Folders of the root that are links into /usr.
MERGED = ("bin", "lib", "lib64", "sbin")

# Read by people or by Debian's own tools, of which an image has none. Copyright notices stay.
ALWAYS_LEFT_OUT = (
    "etc/apparmor.d/*",
    "etc/cron.*/*",
    "etc/default/*",
    "etc/init.d/*",
    "etc/logrotate.d/*",
    "etc/pam.d/*",
    "etc/python3.11/*",
    "usr/lib/mime/*",
    "usr/lib/python3.11/EXTERNALLY-MANAGED",
    "usr/lib/python3.11/sitecustomize.py",
    "usr/lib/systemd/*",
    "usr/lib/sysusers.d/*",
    "usr/lib/tmpfiles.d/*",
    "usr/lib/valgrind/*",
    "usr/share/applications/*",
    "usr/share/apport/*",
    "usr/share/bash-completion/*",
    "usr/share/binfmts/*",
    "usr/share/bug/*",
    "usr/share/debconf/*",
    "usr/share/doc-base/*",
    "usr/share/gdb/*",
    "usr/share/icons/*",
    "usr/share/info/*",
    "usr/share/initramfs-tools/*",
    "usr/share/lintian/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "usr/share/menu/*",
    "usr/share/pixmaps/*",
    "usr/share/python3/*",
)

# What scanners look into for the packages of an image without dpkg.
STATUS = "var/lib/dpkg/status.d"


@contextmanager
def member(deb: Path, prefix: str) -> Iterator[tarfile.TarFile]:
    """The archive `control.tar.*` or `data.tar.*` inside a package."""
    with deb.open("rb") as file:
        if file.read(8) != b"!<arch>\n":
            raise RefusedError(f"{deb.name}: is no Debian package")
        while header := file.read(60):
            name, size = header[:16].decode().strip().rstrip("/"), int(header[48:58])
            if name.startswith(prefix):
                with tempfile.TemporaryFile() as copy:
                    _copy(file, copy, size)
                    copy.seek(0)
                    with tarfile.open(fileobj=copy, mode="r:*") as archive:
                        yield archive
                return
            file.seek(size + size % 2, 1)
    raise RefusedError(f"{deb.name}: holds no {prefix}")


def _copy(source: IO[bytes], sink: IO[bytes], size: int) -> None:
    while size and (chunk := source.read(min(size, 1 << 20))):
        sink.write(chunk)
        size -= len(chunk)


def merged(path: str) -> str:
    """Where a path of a package lies on a system with one /usr."""
    path = posixpath.normpath(path.lstrip("/"))
    return f"usr/{path}" if path.split("/", 1)[0] in MERGED else path


def merged_target(path: str, target: str) -> str:
    """What a link at `path` has to say to point where it did before its folder moved into /usr."""
    if target.startswith("/") or merged(path) == posixpath.normpath(path.lstrip("/")):
        return target
    before = posixpath.normpath(posixpath.join("/", posixpath.dirname(path.lstrip("/")), target))
    return posixpath.relpath(f"/{merged(before)}", f"/{posixpath.dirname(merged(path))}")


def is_documentation(path: str) -> bool:
    """Whether nothing in an image reads the path."""
    if path.startswith("usr/share/doc/"):
        return not path.endswith("/copyright")
    return any(fnmatchcase(path, pattern) for pattern in ALWAYS_LEFT_OUT)


def package_name(control: bytes) -> str:
    """The name that a package's control file gives."""
    for line in control.decode().splitlines():
        if line.startswith("Package: "):
            return line.removeprefix("Package: ").strip()
    raise RefusedError("a package's control file has no name in it")


def unpack(deb: Path, tree: Tree, folder: Path, left_out: tuple[str, ...] = ()) -> set[str]:
    """Adds a package's files to the tree.

    Args:
        deb: the package.
        tree: what it is added to.
        folder: where its files are put meanwhile; it has to stay until the layer is written.
        left_out: patterns of paths that are not taken, in which `*` also stands for slashes.

    Returns:
        The patterns that something in the package matched.
    """
    with member(deb, "control.tar") as archive:
        control = archive.extractfile("./control")
        assert control is not None
        text = control.read()
    tree.file(f"{STATUS}/{package_name(text)}", text)
    used: set[str] = set()
    with member(deb, "data.tar") as archive:
        for number, item in enumerate(archive):
            path = merged(item.name)
            # Folders come by themselves; an empty one is only for what never runs here, unless a target asks.
            if item.isdir() or is_documentation(path):
                continue
            if matched := {pattern for pattern in left_out if fnmatchcase(path, pattern)}:
                used |= matched
                continue
            if item.issym():
                tree.link(path, merged_target(item.name, item.linkname))
            elif item.islnk():
                same = tree.get(merged(item.linkname))
                if same is None or same.kind is not Kind.FILE:
                    raise RefusedError(f"{deb.name}: /{path} is a name of {item.linkname}, which is left out")
                tree.file(path, same.source, same.mode)
            elif item.isfile():
                source = archive.extractfile(item)
                assert source is not None
                copy = folder / f"{deb.name}.{number}"
                with source, copy.open("wb") as sink:
                    shutil.copyfileobj(source, sink)
                # Never writable by others, never with another user's rights.
                tree.file(path, copy, 0o755 if item.mode & 0o100 else 0o644)
            else:
                raise RefusedError(f"{deb.name}: /{path} is neither file nor folder nor link")
    return used
