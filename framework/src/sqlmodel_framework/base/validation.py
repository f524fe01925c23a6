"""Rows are validated when they are made and when a field is set. SQLModel skips that for tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from pydantic import AliasChoices, AliasPath, ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy import Column, DateTime, inspect
from sqlalchemy.orm.attributes import set_attribute
from sqlalchemy.sql.elements import ClauseElement
from sqlmodel import SQLModel

from ..errors import InvalidRowError
from .problems import Problem, invalid_row, problems_of
from .tables import plain_type, table_of

__all__ = [
    "assign",
    "check_types",
    "construct",
    "invalid",
    "leave_keys_to_relationships",
    "without_nothing",
]


@dataclass(frozen=True)
class _Row:
    """What is known of the rows of a table class, worked out once.

    Attributes:
        table: its full name.
        accepted: what a caller may call a field: its name and its aliases.
        aliases: the field that each of these means.
        columns: the column of each field.
        optional: fields for which None means that nothing is given: their default is None.
            checks: what SQL types and SQLModel's `regex` ask for, by field.
        relationships: names of relationships.
        as_a_whole: whether there are validators over several fields.
        open: whether the class itself says what becomes of unknown names.
    """

    table: str
    accepted: frozenset[str]
    aliases: Mapping[str, str]
    columns: Mapping[str, str]
    optional: tuple[str, ...]
    checks: Mapping[str, Callable[[Any], str | None]]
    relationships: frozenset[str]
    as_a_whole: bool
    open: bool


def construct(row: SQLModel, given: dict[str, Any]) -> None:
    """Fill a new row with validated values, and with the defaults of what is not given.

    Raises:
        InvalidRowError: a value is missing, not valid, or of a name that the class does not have.
    """
    cls = type(row)
    known = _row_of(cls)
    related: dict[str, Any] = {}
    if not given.keys() <= known.accepted:
        related = {name: given.pop(name) for name in known.relationships & given.keys()}
        unknown = sorted(given.keys() - known.accepted)
        if unknown and not known.open:
            raise invalid_row(known.table, [Problem(name, "there is no such field") for name in unknown])
    nothing = _drop_nothing(known, given)
    tracked = row.__dict__
    try:
        cls.__pydantic_validator__.validate_python(given, self_instance=row, by_alias=True, by_name=True)
        values = row.__dict__
    except ValidationError as error:
        # An expression that the database will work out is no value yet; validators of a whole row
        # would take it for one.
        if known.as_a_whole or not any(map(_is_expression, given.values())):
            raise invalid(cls, error) from None
        values = _around_expressions(row, known, given)
    object.__setattr__(row, "__dict__", tracked)
    row.__pydantic_fields_set__.update(nothing)
    _refuse_unfit(known, values)
    for name, value in values.items():
        set_attribute(row, name, value)
    for name, value in related.items():
        setattr(row, name, value)


def assign(row: SQLModel, name: str, value: Any) -> None:
    """Set a field of a row to a validated value.

    Raises:
        InvalidRowError: the value is not valid.
    """
    cls = type(row)
    if "_sa_instance_state" not in row.__dict__:
        # A validator of the class sets it, while the row is being made.
        row.__dict__[name] = value
        return
    known = _row_of(cls)
    if (value is None and name in known.optional) or _is_expression(value):
        changed = {name: value}
    else:
        changed = _validated(row, known, name, value)
    for field, new in changed.items():
        set_attribute(row, field, new)
    row.__pydantic_fields_set__.add(name)


def check_types(row: SQLModel) -> None:
    """Check what pydantic does not: it has validated the row already.

    Raises:
        InvalidRowError: a value does not fit its SQL type.
    """
    _refuse_unfit(_row_of(type(row)), row.__dict__)


def leave_keys_to_relationships(cls: type[SQLModel]) -> None:
    """Let a foreign key be None until the row is flushed if a relationship may fill it."""
    if not cls.__sqlmodel_relationships__:
        return
    for info in cls.__pydantic_fields__.values():
        refers = any(isinstance(getattr(item, "foreign_key", None), str) for item in info.metadata)
        if refers and info.is_required():
            info.default = None


def without_nothing(cls: type[SQLModel], values: Any) -> Any:
    """The same dictionary, less those that are None and may be left out."""
    if not isinstance(values, Mapping):
        return values
    left = dict(values)
    _drop_nothing(_row_of(cls), left)
    return left


def invalid(cls: type[SQLModel], error: ValidationError) -> InvalidRowError:
    """What pydantic found, with the names of table and columns."""
    known = _row_of(cls)
    return invalid_row(known.table, problems_of(error, known.aliases, known.columns))


def _drop_nothing(known: _Row, given: dict[str, Any]) -> list[str]:
    nothing = [name for name in known.optional if name in given and given[name] is None]
    for name in nothing:
        del given[name]
    return nothing


def _is_expression(value: Any) -> bool:
    return isinstance(value, ClauseElement) or hasattr(value, "__clause_element__")


def _around_expressions(row: SQLModel, known: _Row, given: dict[str, Any]) -> dict[str, Any]:
    """Values of a row of which some are expressions: each is validated for itself."""
    fields = {known.aliases[name]: value for name, value in given.items() if name in known.aliases}
    values: dict[str, Any] = {}
    missing = []
    for name, info in type(row).model_fields.items():
        if name not in fields:
            if info.is_required():
                missing.append(Problem(known.columns[name], "is missing"))
            else:
                values[name] = info.get_default(call_default_factory=True, validated_data=values)
        elif _is_expression(fields[name]):
            values[name] = fields[name]
        else:
            values |= _validated(row, known, name, fields[name])
    if missing:
        raise invalid_row(known.table, missing)
    object.__setattr__(row, "__pydantic_fields_set__", set(fields))
    return values


class _Trial:
    """Stands for a row while pydantic validates one of its fields, so that the row itself stays as it is."""

    __slots__ = ("__dict__", "__pydantic_extra__", "__pydantic_fields_set__")

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values
        self.__pydantic_extra__: None = None
        self.__pydantic_fields_set__: set[str] = set()


def _validated(row: SQLModel, known: _Row, name: str, value: Any) -> dict[str, Any]:
    """What changes if a field is set to a value: the field, and what a validator sets besides."""
    cls = type(row)
    if known.as_a_whole:
        before = {field: getattr(row, field) for field in known.columns}
        trial: Any = cls.__new__(cls)
        object.__setattr__(trial, "__dict__", before)
    else:
        # Pydantic copies the values before it changes one.
        before = row.__dict__
        trial = _Trial(before)
    try:
        cls.__pydantic_validator__.validate_assignment(trial, name, value, by_alias=True, by_name=True)
    except ValidationError as error:
        raise invalid(cls, error) from None
    after = trial.__dict__
    changed = {name: after[name]}
    if known.as_a_whole:
        changed |= {field: after[field] for field in before if after[field] is not before[field]}
    _refuse_unfit(known, changed)
    return changed


def _refuse_unfit(known: _Row, values: Mapping[str, Any]) -> None:
    problems = [
        Problem(known.columns[name], reason, values[name])
        for name, check in known.checks.items()
        if name in values and (reason := check(values[name]))
    ]
    if problems:
        raise invalid_row(known.table, problems)


@cache
def _row_of(cls: type[SQLModel]) -> _Row:
    mapper = inspect(cls)
    columns = {name: cast(Column[Any], mapper.columns[name]) for name in cls.model_fields}
    aliases: dict[str, str] = {}
    for name, info in cls.model_fields.items():
        aliases |= dict.fromkeys([name, *_aliases(info)], name)
    return _Row(
        table=table_of(cls).fullname,
        accepted=frozenset(aliases),
        aliases=aliases,
        columns={name: column.name for name, column in columns.items()},
        optional=tuple(name for name, info in cls.model_fields.items() if info.default is None),
        checks={
            name: check
            for name, info in cls.model_fields.items()
            if (check := _check_of(info, columns[name])) is not None
        },
        relationships=frozenset(mapper.relationships.keys()),
        as_a_whole=bool(cls.__pydantic_decorators__.model_validators),
        open=cls.model_config.get("extra") is not None,
    )


def _aliases(info: FieldInfo) -> list[str]:
    found: list[str] = [info.alias] if info.alias else []
    match info.validation_alias:
        case str() as alias:
            found.append(alias)
        case AliasChoices(choices=choices):
            found += [str(c.path[0] if isinstance(c, AliasPath) else c) for c in choices]
        case AliasPath(path=path):
            found.append(str(path[0]))
    return found


def _check_of(info: FieldInfo, column: Column[Any]) -> Callable[[Any], str | None] | None:
    """What a value of this column must keep to that pydantic does not know of."""
    if column.computed is not None:
        return lambda value: None if value is None else "is worked out by the database and cannot be set"
    type_ = plain_type(column)
    if isinstance(type_, DateTime) and type_.timezone:
        return _is_instant
    # SQLModel takes regex=..., but hands it to no validator.
    regex = getattr(info, "_attributes_set", {}).get("regex")
    if isinstance(regex, str):
        pattern = re.compile(regex)
        return lambda value: (
            f"does not match {regex}" if isinstance(value, str) and not pattern.search(value) else None
        )
    return None


def _is_instant(value: Any) -> str | None:
    naive = isinstance(value, datetime) and value.utcoffset() is None
    return "has no time zone, so it is no instant" if naive else None
