"""Columns that two mixins of one class both declare."""

from __future__ import annotations

from inspect import get_annotations

from pydantic.fields import FieldInfo
from sqlalchemy import Column
from sqlalchemy.types import to_instance
from sqlmodel import SQLModel
from sqlmodel.main import get_column_from_field

from ..errors import DeclarationError
from .tables import full_name

__all__ = ["refuse_collisions"]


def refuse_collisions(cls: type[SQLModel]) -> None:
    """Refuse a class whose parents declare a column of one name with different types.

    A class that declares the column anew decides what it is, for itself and against all its parents.

    Raises:
        DeclarationError: two parents, of which neither derives from the other, do not agree.
    """
    declared: dict[str, list[tuple[type[SQLModel], str]]] = {}
    for parent in cls.__mro__:
        if not issubclass(parent, SQLModel):
            continue
        for field in _own_fields(parent):
            declared.setdefault(_column_name(field, parent.model_fields[field]), []).append((parent, field))
    for column, places in declared.items():
        for position, (first, field) in enumerate(places):
            for second, other in places[position + 1 :]:
                decided = any(issubclass(one, first) and issubclass(one, second) for one, _ in places)
                if not decided and not _agree(first, field, second, other):
                    raise DeclarationError(
                        f"{full_name(cls)}: its parents {full_name(first)} and {full_name(second)} "
                        f"both declare the column {column}, as {_described(first, field)} and "
                        f"{_described(second, other)}",
                        hint=f"rename one of them, or declare {column} in {cls.__name__} itself",
                        column=column,
                    )


def _own_fields(cls: type[SQLModel]) -> list[str]:
    return [name for name in get_annotations(cls) if name in cls.model_fields]


def _column_name(field: str, info: FieldInfo) -> str:
    metadata = next((item for item in info.metadata if hasattr(item, "sa_column_kwargs")), None)
    if metadata is None:
        return field
    if isinstance(metadata.sa_column, Column):
        return str(metadata.sa_column.name or field)
    options = metadata.sa_column_kwargs
    return str(options["name"]) if "name" in getattr(options, "keys", tuple)() else field


def _agree(first: type[SQLModel], field: str, second: type[SQLModel], other: str) -> bool:
    if field != other:
        return False
    one, two = first.model_fields[field], second.model_fields[other]
    return bool(one.annotation == two.annotation) and _sql_type(one) == _sql_type(two)


def _sql_type(info: FieldInfo) -> str:
    return repr(to_instance(get_column_from_field(info).type))


def _described(cls: type[SQLModel], field: str) -> str:
    info = cls.model_fields[field]
    return f"{info.annotation!r} ({_sql_type(info)})" if info.annotation is not None else _sql_type(info)
