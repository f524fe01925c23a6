"""What the values of a database's type are in Python."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, JSON
from sqlalchemy.types import TypeEngine

__all__ = ["python_type"]

_ANY = ("Any", "typing")


def python_type(kind: TypeEngine[Any]) -> tuple[str, str]:
    """The type as it stands in an annotation, and the module that it is from, or "" for Python's own.

    It is Any where SQLAlchemy does not say what the values are, and where they are of any form.
    """
    kind = getattr(kind, "data_type", kind)
    if isinstance(kind, ARRAY) and kind.dimensions in (None, 1):
        text, module = python_type(kind.item_type)
        return f"list[{text}]", module
    # MariaDB's SET is text to SQLAlchemy, and a set when it is read.
    if isinstance(kind, (ARRAY, JSON)) or kind.__visit_name__ == "SET":
        return _ANY
    try:
        found = kind.python_type
    except NotImplementedError:
        return _ANY
    # SQLAlchemy's own classes of values mean nothing to pydantic.
    if found is object or found.__module__.startswith("sqlalchemy."):
        return _ANY
    if found.__module__ == "builtins":
        return found.__name__, ""
    return f"{found.__module__}.{found.__name__}", found.__module__
