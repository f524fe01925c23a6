"""How far a start is: written by the process that stays, shown by the command that waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

__all__ = ["Progress", "follow", "read_progress", "write_progress"]

_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class Progress:
    """Where a start is.

    Attributes:
        doing: what it does now.
        ready: whether all is up.
        failed: why it gave up, if it did.
    """

    doing: str
    ready: bool = False
    failed: str | None = None


def write_progress(file: Path, progress: Progress) -> None:
    """Replaces what is told."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(asdict(progress)))
    new.replace(file)


def read_progress(file: Path) -> Progress | None:
    """What is told; None when nothing was yet."""
    try:
        return Progress(**json.loads(file.read_text()))
    except FileNotFoundError:
        return None


def follow(file: Path, is_alive: Callable[[], bool], console: Console) -> Progress | None:
    """Shows each step with its time until all is up, and returns how it ended.

    Args:
        file: where it is told.
        is_alive: whether the process still runs.
        console: where it is shown.

    Returns:
        The last that was told: ready, or failed; None when the process ended without a word.
    """
    doing, since = "starting", time.monotonic()
    with console.status(doing) as status:
        while True:
            alive = is_alive()
            told = read_progress(file)
            if told is not None and told.doing != doing:
                console.print(f"{doing}: {time.monotonic() - since:.0f} s", highlight=False)
                doing, since = told.doing, time.monotonic()
                status.update(doing)
            if told is not None and (told.ready or told.failed):
                return told
            if not alive:
                return None
            time.sleep(_SECONDS_BETWEEN_LOOKS)
