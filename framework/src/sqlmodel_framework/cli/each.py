"""One command on several targets: each is shown for itself, and one failure hides no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .output import error_fields, print_json, say
from .place import named_targets, open_places

if TYPE_CHECKING:
    from ..targets.many import Outcome
    from ..targets.target import Target

__all__ = ["on_each"]

T = TypeVar("T")


def on_each(
    options: list[str] | None,
    folder: Path | None,
    datakit: str,
    work: Callable[[Target], T],
    show: Callable[[T], None],
    fields: Callable[[T], dict[str, Any]],
    *,
    json: bool,
) -> list[T]:
    """Work on the targets of the command line, or on the embedded PostgreSQL of a folder.

    Args:
        options: the values of `--target`.
        folder: the value of `--folder`.
        datakit: the datakit's name.
        work: what is done on each target.
        show: shows what came of it to people.
        fields: what JSON says of it.
        json: whether only JSON is wanted, one object a target.

    Returns:
        What came of it, of every target.

    Raises:
        DatakitError: on one target or more it failed.
    """
    from ..targets.many import failure_of, on_many

    chosen = named_targets(options)

    def tell(outcome: Outcome[T]) -> None:
        if json:
            found = error_fields(outcome.error) if outcome.value is None else fields(outcome.value)
            print_json(**{"datakit": datakit, "target": outcome.target} | found)
        elif outcome.value is not None:
            show(outcome.value)
        elif len(targets) > 1 and outcome.error is not None:
            hint = f" ({outcome.error.hint})" if outcome.error.hint else ""
            say(f"{outcome.target}: failed: {outcome.error.message}{hint}")

    with open_places(chosen, folder, datakit) as targets:
        outcomes = on_many(targets, work, on_outcome=tell)
    failure = failure_of(outcomes)
    if failure is not None:
        raise failure
    return [outcome.value for outcome in outcomes if outcome.value is not None]
