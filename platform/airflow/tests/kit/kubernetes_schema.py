"""Kubernetes' own schema of what it is sent, of each version that it maintains."""

from __future__ import annotations

from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]

__all__ = ["VERSIONS", "mistake"]

VERSIONS = ("1.35", "1.36", "1.37")

# The client leaves out of a body what the address says already.
_KINDS = {"pods": "Pod", "secrets": "Secret"}


def mistake(resource: str, content: dict[str, Any]) -> str | None:
    """What is wrong with an object, or None; a field that is not known is wrong.

    Args:
        resource: what the address calls its kind, such as pods.
        content: the object.
    """
    whole = {"apiVersion": "v1", "kind": _KINDS[resource], **content}
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(whole, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(str(one) for one in error.absolute_path)
            return f"Kubernetes {version}: {place}: {error.message}"
    return None
