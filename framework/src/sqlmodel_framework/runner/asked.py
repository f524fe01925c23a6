"""What a run's specification asks of a step, beyond the step itself."""

from __future__ import annotations

from ..errors import TerminalError
from .step import StepContext

__all__ = ["asked_loads"]


def asked_loads(context: StepContext) -> list[str] | None:
    """The ids of loads that the parameter `loads` names; None without it, for all of them.

    Raises:
        TerminalError: it is no list of texts.
    """
    given = context.spec.parameters.get("loads")
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise TerminalError(
            f"the parameter 'loads' of the step {context.spec.step!r} is no list of texts",
            hint="name loads as `datakit describe` does: [layer.name, ...]",
        )
    return [str(one) for one in given]
