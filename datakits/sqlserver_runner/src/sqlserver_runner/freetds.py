"""What FreeTDS reads from a file alone: the server's place, and how its certificate is checked.

Its connection strings have no word for authorities and host names, and what the machine's own
freetds.conf says may be that nothing is checked. So every connection gets a section of a file of this
process, which FreeTDS looks up by `Servername` and by the variable `FREETDSCONF`.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .settings import SourceSettings

__all__ = ["SECTION", "configured", "section_text"]

SECTION = "datakit"

_VARIABLE = "FREETDSCONF"
_OPEN_FILES = Path("/proc/self/fd")
_lock = threading.Lock()
_file: int | None = None


def section_text(settings: SourceSettings, authorities: str) -> str:
    """The section of a server; it holds no secret.

    Args:
        settings: how the server is reached.
        authorities: the file of those that are trusted, or `system`.
    """
    lines = [f"[{SECTION}]", f"host = {settings.host}"]
    if settings.port is not None:
        lines.append(f"port = {settings.port}")
    if settings.instance is not None:
        lines.append(f"instance = {settings.instance}")
    lines += [
        "tds version = 7.4",
        "client charset = UTF-8",
        "text size = 2147483647",
        f"encryption = {'off' if settings.encrypt == 'no' else 'require'}",
    ]
    if not settings.trust_server_certificate and settings.encrypt != "no":
        lines += [f"ca file = {authorities}", "check certificate hostname = yes"]
    return "\n".join(lines) + "\n"


@contextmanager
def configured(settings: SourceSettings) -> Iterator[None]:
    """Let a connection that is made in the block find these settings; one at a time."""
    with _lock, _short_name(settings.ca_file) as authorities:
        file = _open_file()
        os.ftruncate(file, 0)
        os.pwrite(file, section_text(settings, authorities).encode(), 0)
        yield


@contextmanager
def _short_name(ca_file: Path | None) -> Iterator[str]:
    """A file's name as FreeTDS can read it, who cuts lines at 255 bytes and values at some characters."""
    if ca_file is None or not _OPEN_FILES.is_dir():
        yield str(ca_file or "system")
        return
    with ca_file.open("rb") as file:
        yield str(_OPEN_FILES / str(file.fileno()))


def _open_file() -> int:
    # One file for the whole life of the process: a change of the environment while another thread reads it
    # is not safe, so there is but one.
    global _file
    if _file is None:
        if hasattr(os, "memfd_create"):
            _file = os.memfd_create("freetds.conf")
            os.environ[_VARIABLE] = str(_OPEN_FILES / str(_file))
        else:
            _file, os.environ[_VARIABLE] = tempfile.mkstemp(suffix=".freetds.conf")
    return _file
