"""A datakit of any number of tables: 20 columns each, with a default, an index and a foreign key."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, DateTime, Numeric, Text, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit

SCHEMA = "planning"


def declare(tables: int) -> Datakit:
    """Declare new classes in a MetaData of their own; each refers to one of those before it."""

    class Declared(SQLModel, registry=registry()):
        __table_args__ = {"schema": SCHEMA}

    classes = tuple(_table(Declared, number) for number in range(tables))
    return Datakit(name="planning", version="1.0", tables=classes)


def _table(base: type[SQLModel], number: int) -> type[SQLModel]:
    fields: dict[str, tuple[Any, Any]] = {
        "id": (int, Field(primary_key=True)),
        "parent_id": (int, Field(foreign_key=f"{SCHEMA}.table_{number // 2:04}.id")),
        "code": (str, Field(max_length=40, index=True)),
        "state": (str, Field(max_length=10, sa_column_kwargs={"server_default": text("'new'")})),
        "name": (str, Field(max_length=200)),
        "description": (str | None, Field(sa_type=Text)),
        "country": (str, Field(max_length=2)),
        "quantity": (int, Field()),
        "price": (Decimal, Field(sa_type=Numeric(12, 2))),
        "discount": (Decimal | None, Field(sa_type=Numeric(5, 4))),
        "weight": (float | None, Field()),
        "active": (bool, Field()),
        "ordered_on": (date, Field()),
        "shipped_on": (date | None, Field()),
        "created_at": (datetime, Field(sa_type=DateTime(timezone=True))),
        "updated_at": (datetime | None, Field(sa_type=DateTime(timezone=True))),
        "token": (UUID, Field()),
        "payload": (dict[str, Any] | None, Field(sa_type=JSON)),
        "remarks": (str | None, Field()),
        "version": (int, Field()),
    }
    name = f"table_{number:04}"
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__qualname__": name,
        "__tablename__": name,
        "__annotations__": {field: kind for field, (kind, _) in fields.items()},
        **{field: value for field, (_, value) in fields.items()},
    }
    metaclass: Any = type(SQLModel)
    made: type[SQLModel] = metaclass(name, (base,), namespace, table=True)
    return made
