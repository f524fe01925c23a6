"""References of images: by digest, which says exactly which bytes, or by tag, which does not."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

__all__ = ["ImageReference", "digest_of"]

_NAME = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?::[0-9]+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*"
_TAG = r"(?::\w[\w.-]{0,127})?"
_DIGEST = r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
_REFERENCE = re.compile(_NAME + _TAG + _DIGEST)


def _checked(reference: str) -> str:
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f"{reference!r} is no reference of an image: write name@sha256:<64 hex digits>")
    return reference


ImageReference = Annotated[str, AfterValidator(_checked)]
"""`name@sha256:...`, or `name:tag` where the environment lets it."""


def digest_of(reference: str) -> str | None:
    """The digest in a reference, or None in one by tag."""
    match = _REFERENCE.fullmatch(reference)
    return match["digest"] if match else None
