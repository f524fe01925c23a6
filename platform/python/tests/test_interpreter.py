"""The interpreter is whole: its standard library imports, and its libraries come from the locked packages."""

from __future__ import annotations

import importlib
import os
import sqlite3
import ssl
import subprocess
import sys
import zoneinfo
from pathlib import Path

import pytest

# Not part of it: modules of other systems, and what Debian packages apart (gdbm, Tk, IDLE, pip, 2to3).
LEFT_OUT = {
    "_gdbm",
    "_msi",
    "_overlapped",
    "_scproxy",
    "_tkinter",
    "_winapi",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "msilib",
    "msvcrt",
    "nt",
    "tkinter",
    "turtle",
    "turtledemo",
    "winreg",
    "winsound",
}
# Importing these acts: they open a browser or print.
ACTING = frozenset({"antigravity", "this"})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_standard_library_imports_but_for_what_is_listed() -> None:
    missing = set()
    for name in sorted(sys.stdlib_module_names - ACTING):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.add(name)
    assert missing == LEFT_OUT


def test_shared_libraries_come_from_the_locked_packages() -> None:
    importlib.import_module("_ctypes")
    home = Path(sys.executable).resolve().parent.parent
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if ".so" in line}
    ours = {Path(path).name for path in mapped if Path(path).is_relative_to(home)}
    assert any(name.startswith("libexpat") or name.startswith("libz") for name in ours)
    # From the machine only the C library's own files, the loader among them.
    c_library = ("ld-linux", "libc.so", "libm.so", "libresolv.so", "libgcc_s")
    foreign = {Path(path).name for path in mapped if path.startswith(("/usr/lib", "/lib"))}
    assert all(name.startswith(c_library) for name in foreign), foreign


def test_it_runs_from_another_folder_without_an_environment(tmp_path: Path) -> None:
    printed = subprocess.run(
        [os.path.realpath(sys.executable), "-I", "-c", "import ssl, sqlite3, lzma; print('whole')"],
        check=True,
        cwd=tmp_path,
        env={},
        capture_output=True,
        text=True,
    )
    assert printed.stdout == "whole\n"


def test_tls_and_sqlite_are_not_older_than_debian_12() -> None:
    assert ssl.OPENSSL_VERSION_INFO >= (3, 0)
    assert sqlite3.sqlite_version_info >= (3, 40)


def test_time_zones_are_known() -> None:
    assert zoneinfo.ZoneInfo("America/New_York").key == "America/New_York"
