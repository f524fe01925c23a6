"""A pod template of an environment's own: what Kubernetes' client would drop in silence is a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import ApiClient  # type: ignore[import-untyped]

from ..configuration import ConfigurationError, Problem, read_document

__all__ = ["checked"]

_HINT = "write it as Kubernetes' API does"


def checked(path: Path) -> Path:
    """The template, if each of its fields is one of a pod's.

    Raises:
        ConfigurationError: it cannot be read, or a field is unknown or of another kind.
    """
    _check(path, path.stat().st_mtime_ns)
    return path


@lru_cache(maxsize=64)
def _check(path: Path, stamp: int) -> None:
    written = read_document(path)
    try:
        pod = PodGenerator.deserialize_model_dict(written)
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigurationError([Problem(str(path), "", f"it is not a pod: {error}", _HINT)]) from None
    understood = ApiClient().sanitize_for_serialization(pod)
    problems = [Problem(str(path), *one, _HINT) for one in _lost(written, understood)]
    if problems:
        raise ConfigurationError(problems)


def _lost(written: Any, understood: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Where the client did not understand what was written, and why."""
    if written is None:
        return
    if any(isinstance(written, kind) != isinstance(understood, kind) for kind in (dict, list, bool)):
        yield place, "a value of another kind belongs here"
    elif isinstance(written, dict):
        for name, value in written.items():
            inner = f"{place}.{name}" if place else str(name)
            if name in understood:
                yield from _lost(value, understood[name], inner)
            elif value is not None:
                yield inner, "there is no such field"
    elif isinstance(written, list):
        for number, (value, found) in enumerate(zip(written, understood, strict=True)):
            yield from _lost(value, found, f"{place}[{number}]")
