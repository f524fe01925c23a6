"""What happens during a verification, as it happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..runs.events import LoadProgressed, LoadStarted
from .result import LoadVerification

__all__ = ["LoadVerified", "OnVerifyEvent", "VerifyEvent"]


@dataclass(frozen=True)
class LoadVerified:
    """A load is compared, or it is known why it cannot be."""

    result: LoadVerification


VerifyEvent = LoadStarted | LoadProgressed | LoadVerified
OnVerifyEvent = Callable[[VerifyEvent], None]
