"""What polyfactory knows of a field, and the values that it makes of those that have no domain here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import JSON, Column
from sqlmodel import SQLModel

from ..base.tables import field_of, plain_type
from ..errors import TerminalError
from ..loading.contract import Bound, BoundKind
from ..loading.value_text import writers
from .domains import Domain, listed, uuids
from .refusing import refusal
from .templates import plain_text, texts

if TYPE_CHECKING:
    from polyfactory.field_meta import FieldMeta

__all__ = ["FieldFacts", "facts_of", "pooled"]

_BOUNDS: tuple[BoundKind, ...] = ("ge", "gt", "le", "lt", "multiple_of", "max_length", "min_length")

_POOL = 100
_FIRST_DAY = datetime(2020, 1, 1)
_SECONDS = 10 * 365 * 24 * 3600


@dataclass(frozen=True)
class FieldFacts:
    """What the field of a column says.

    Attributes:
        annotation: what its values are in Python, without None.
        nullable: whether they may be None, in Python and in the database.
        bounds: on them.
        places: digits after the point, or None.
        digits: digits in all, or None.
    """

    annotation: Any
    nullable: bool
    bounds: tuple[Bound, ...] = ()
    places: int | None = None
    digits: int | None = None


def facts_of(table: type[SQLModel], column: Column[Any]) -> FieldFacts:
    """What polyfactory reads out of the field of a column.

    Raises:
        TerminalError: polyfactory is not installed.
    """
    meta = _meta(table, column)
    if meta is None:
        return FieldFacts(column.type.python_type, bool(column.nullable))
    from polyfactory.utils.predicates import is_optional

    nullable = is_optional(meta.annotation)
    if nullable:
        children = meta.children or []
        meta = children[0] if len(children) == 1 else meta
    constraints: dict[str, Any] = dict(meta.constraints or {})
    return FieldFacts(
        annotation=meta.annotation,
        nullable=nullable and bool(column.nullable),
        bounds=tuple(
            Bound(column.name, kind, constraints[kind])
            for kind in _BOUNDS
            if constraints.get(kind) is not None
        ),
        places=constraints.get("decimal_places"),
        digits=constraints.get("max_digits"),
    )


def pooled(table: type[SQLModel], column: Column[Any], random: Random) -> Domain:
    """Some values that polyfactory makes for a field, each valid, to draw from.

    Polyfactory takes some microseconds for the least of values, so it makes a fixed number of them.

    Raises:
        DeclarationError: it makes none.
    """
    meta, field = _meta(table, column), field_of(table, column)
    if meta is None or field is None:
        raise refusal(table, column.name, f"it is no field, and of type {column.type!r}")
    factory = _factory(table, random)
    valid: Any = Annotated[field.annotation, *field.metadata]
    adapter: TypeAdapter[Any] = TypeAdapter(valid)
    document = isinstance(plain_type(column), JSON)
    write = writers(table, [column.name])[column.name]
    found: dict[str | None, Any] = {}
    for _ in range(_POOL):
        try:
            value = adapter.validate_python(factory.get_field_value(meta))
            if value is not None:
                # Of a class in a document, what the document holds.
                plain = adapter.dump_python(value, mode="json") if document else value
                found[write(plain)] = plain
        except (ValidationError, ValueError, TypeError):
            continue
        except Exception as error:
            # Polyfactory's own errors share no base with each other.
            raise refusal(table, column.name, str(error)) from error
    if not found:
        raise refusal(table, column.name, f"polyfactory makes none for {field.annotation!r}")
    return listed(list(found.values()))


def _meta(table: type[SQLModel], column: Column[Any]) -> FieldMeta | None:
    try:
        from polyfactory.factories.pydantic_factory import PydanticFieldMeta
    except ImportError as error:
        raise TerminalError(
            f"synthetic rows need polyfactory: {error}", hint="pip install 'sqlmodel-framework[factories]'"
        ) from None
    field = field_of(table, column)
    if field is None:
        return None
    return PydanticFieldMeta.from_field_info(field_name=column.name, field_info=field, use_alias=False)


def _factory(table: type[SQLModel], random: Random) -> Any:
    from polyfactory.factories.pydantic_factory import ModelFactory

    made: Any = ModelFactory.create_factory(table)
    # One of its own, so that other factories of the program stay as they were seeded.
    made.__faker__ = type(made.__faker__)()
    made.seed_random(random.getrandbits(32))
    # Its own values hang on today's date, and are no JSON.
    made._extra_providers = {**(made._extra_providers or {}), **_providers(random)}
    return made


def _providers(random: Random) -> dict[Any, Callable[[], Any]]:
    words = texts(plain_text(0, None))

    def word() -> str:
        text: str = words.at(random.randrange(words.size))
        return text

    def moment() -> datetime:
        return _FIRST_DAY.replace(tzinfo=UTC) + timedelta(seconds=random.randrange(_SECONDS))

    def number() -> int:
        return random.randrange(1_000_000)

    identifiers = uuids()

    def identifier() -> UUID:
        made: UUID = identifiers.at(random.randrange(identifiers.size))
        return made

    return {
        Any: word,
        str: word,
        int: number,
        float: lambda: number() / 100,
        bool: lambda: random.random() < 0.5,
        Decimal: lambda: Decimal(number()).scaleb(-2),
        UUID: identifier,
        datetime: moment,
        date: lambda: moment().date(),
        time: lambda: moment().time(),
        timedelta: lambda: timedelta(seconds=number()),
        dict: lambda: {word(): number()},
        list: lambda: [word()],
    }
