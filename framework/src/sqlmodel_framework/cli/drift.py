"""`datakit drift`: what changed in targets since they were deployed to."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..errors import ContractError
from .each import on_each
from .output import say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument

if TYPE_CHECKING:
    from ..schema.drift import Drift


def drift(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    json: JsonOption = False,
) -> None:
    """Show what is not as the latest deployment left it; exit code 65 if anything is not."""
    from ..schema.drift import find_drift

    found = on_each(
        target,
        folder,
        name,
        lambda each: find_drift(name, each),
        _show,
        lambda each: {**asdict(each), "drifted": each.drifted},
        json=json,
    )
    drifted = [each.target for each in found if each.drifted]
    if drifted:
        raise ContractError(
            f"datakit {name!r} has drifted in {', '.join(drifted)}",
            hint="datakit plan shows what a deployment would put right",
        )


def _show(found: Drift) -> None:
    for line in found.differences:
        say(f"{found.target}: {line}")
    for line in found.undeclared:
        say(f"{found.target}: {line} belongs to no datakit")
    if not found.drifted:
        say(f"{found.target}: everything is as it was deployed")
