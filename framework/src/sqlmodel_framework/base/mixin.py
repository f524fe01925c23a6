"""The base of every mixin: how a class becomes a table, and its rows are validated."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, ClassVar, Self

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema
from sqlalchemy import CheckConstraint, Index, MetaData, Table
from sqlalchemy.orm import declared_attr
from sqlalchemy.schema import SchemaItem
from sqlalchemy.sql.elements import conv
from sqlmodel import SQLModel

from ..errors import DeclarationError
from .collisions import refuse_collisions
from .fields import snake_case
from .partitions import Partitions
from .tables import full_name
from .validation import assign, check_types, construct, invalid, leave_keys_to_relationships, without_nothing

__all__ = ["BaseMixin"]

_CLASS = "datakit_class"
"""Where a `Table.info` keeps the full name of its class."""

_validated: ContextVar[type | None] = ContextVar("_validated", default=None)
"""The class whose new row SQLModel fills with values that pydantic has validated already."""


class BaseMixin(SQLModel):
    """The base of every mixin, and of mixins of your own. It adds no column.

    Derive a table from one mixin or several, in any order. A column that two of them declare with
    different types is refused, unless the table's class declares it itself.

    - A table is named after its class in snake case (`FlightDelay` is `flight_delay`) unless
      `__tablename__` says otherwise.
    - `__table_args__` are SQLAlchemy's. Those of a mixin are options only, such as
      `{"schema": "silver"}`; the options of all parents hold, the nearest one first.
    - `__table_parts__` gives checks, indexes and keys over several columns.
    - `__partitions__` divides the table.
    - A row is validated when it is made and when a field is set: `InvalidRowError` names table and
      column. Rows that come from the database are taken as they are. Checks over several fields
      (pydantic's `model_validator`) run in both cases. A field whose default is None may be None until
      the row is flushed, as what the database fills in is, and a foreign key in a class with
      relationships.
    """

    __partitions__: ClassVar[Partitions | None] = None

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805
        return snake_case(cls.__name__)

    @classmethod
    def __table_parts__(cls) -> Iterable[SchemaItem]:
        """Checks, indexes and keys of the table; called for each table, so that none is shared.

        The parts of all parents hold: there is no need to call `super()`. A check needs a name, an
        index gets one after its columns.
        """
        return ()

    @classmethod
    def __table_cls__(cls, name: str, metadata: MetaData, *parts: Any, **options: Any) -> Table:
        """Make the table; SQLAlchemy's declarative mapping calls it."""
        options = _with_options_of_parents(cls, options)
        _refuse_second_table(cls, name, metadata, options)
        own_parts = _parts(cls)
        nameless = [part for part in own_parts if isinstance(part, Index) and part.name is None]
        if cls.__partitions__ is not None:
            options |= cls.__partitions__.options()
        table = Table(name, metadata, *parts, *own_parts, **options)
        table.info[_CLASS] = full_name(cls)
        for index in nameless:
            names = [column.name for column in index.columns]
            index.name = conv("_".join(filter(None, ("ix", table.schema, table.name, *names))))
        if cls.__partitions__ is not None:
            cls.__partitions__.describe(table)
        return table

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /
    ) -> CoreSchema:
        """Describe the class to pydantic, once its fields are known."""
        leave_keys_to_relationships(cls)
        return handler(source)

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        """Refuse parents that do not go together, before anything is mapped."""
        super().__pydantic_init_subclass__(**options)
        refuse_collisions(cls)

    def __init__(self, /, **values: Any) -> None:
        if "_sa_instance_state" not in self.__dict__ or _validated.get() is type(self):
            super().__init__(**values)
        else:
            construct(self, values)

    def __setattr__(self, name: str, value: Any) -> None:
        cls = type(self)
        if name not in cls.__pydantic_fields__ or _validated.get() is cls:
            super().__setattr__(name, value)
        else:
            assign(self, name, value)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """A row made of a dictionary or of another object's attributes; see pydantic.

        Raises:
            InvalidRowError: a value is not valid, if the class is a table.
        """
        if not cls.model_config.get("table"):
            return super().model_validate(obj, **options)
        token = _validated.set(cls)
        try:
            row = super().model_validate(without_nothing(cls, obj), **options)
            check_types(row)
            return row
        except ValidationError as error:
            raise invalid(cls, error) from None
        finally:
            _validated.reset(token)


def _with_options_of_parents(cls: type[BaseMixin], options: dict[str, Any]) -> dict[str, Any]:
    options = dict(options)
    for parent in cls.__mro__[1:]:
        inherited = parent.__dict__.get("__table_args__", {})
        if isinstance(inherited, tuple):
            *parts, last = inherited or ({},)
            inherited = last if isinstance(last, dict) else {}
            if parts or not isinstance(last, dict):
                raise DeclarationError(
                    f"{full_name(parent)}: __table_args__ of a mixin holds parts of a "
                    f"table, which {cls.__name__} would share with every other table",
                    hint="give them in a class method __table_parts__, which is called for each table",
                )
        if isinstance(inherited, dict):
            for key, value in inherited.items():
                options.setdefault(key, value)
    if "info" in options:
        options["info"] = dict(options["info"])
    return options


def _refuse_second_table(
    cls: type[BaseMixin], name: str, metadata: MetaData, options: dict[str, Any]
) -> None:
    schema = options.get("schema", metadata.schema)
    place = f"{schema}.{name}" if schema else name
    there = metadata.tables.get(place)
    if there is None or options.get("extend_existing") or options.get("keep_existing"):
        return
    other = there.info.get(_CLASS, "another class")
    raise DeclarationError(
        f"{full_name(cls)} declares the table {place}, which {other} declares already",
        hint="give one of them another __tablename__ or schema; tables of two datakits can have one name if "
        "those of one derive from a class Base(BaseMixin, registry=sqlalchemy.orm.registry())",
        table=place,
    )


def _parts(cls: type[BaseMixin]) -> list[SchemaItem]:
    found: list[SchemaItem] = []
    for parent in reversed(cls.__mro__):
        own = parent.__dict__.get("__table_parts__")
        if own is None:
            continue
        for part in own.__get__(None, cls)():
            if isinstance(part, CheckConstraint) and part.name is None:
                raise DeclarationError(
                    f"{full_name(parent)}: a check in __table_parts__ has no name",
                    hint='name it: CheckConstraint("starts <= ends", name="starts_before_it_ends")',
                )
            found.append(part)
    return found
