"""What is declared in these tests, and the statements for one difference of it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mssql
from sqlalchemy.orm import registry
from sqlmodel import Field
from sqlmodel_framework import (
    Allow,
    BaseMixin,
    RenameColumn,
    RenameTable,
    TemporalTableMixin,
    TransactionalTableMixin,
)
from sqlmodel_framework.base.fields import array_of, column, json_type
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.sqlserver.ddl import SqlServerDdl
from sqlmodel_framework.schema.difference import Difference
from sqlmodel_framework.schema.snapshot import (
    Snapshot,
)

from .nowhere import DIALECT, Model, kit, model

Kit = Callable[[], Any]


def item(*more: Any, code: Any = None, arguments: Any = (), **options: Any) -> Model:
    """The table that everything happens to."""
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    code = Column("code", String(10)) if code is None else code
    return model("item", key, code, *more, arguments=arguments, **options)


def with_(*columns: Callable[[], Any], arguments: Callable[[], Any] = tuple, **options: Any) -> Kit:
    return lambda: kit(item(*(each() for each in columns), arguments=arguments(), **options))


def coded(*arguments: Any, parts: Callable[[], Any] = tuple, **more: Any) -> Kit:
    return lambda: kit(item(code=Column("code", *arguments, **more), arguments=parts()))


def typed(*bases: type, **fields: Any) -> Any:
    """A class with these fields, of a table `shop.price`."""

    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    annotations = {name: kind for name, (kind, _) in fields.items()}
    return make(
        "Price",
        (Base, *bases),
        {
            "id": Field(primary_key=True),
            **{name: made for name, (_, made) in fields.items()},
            "__annotations__": {"id": int, **annotations},
            "__module__": __name__,
            "__table_args__": {"schema": "shop"},
        },
        table=True,
    )


def history(**fields: Any) -> Kit:
    return lambda: kit(typed(TemporalTableMixin, TransactionalTableMixin, **fields))


def related(of: Any = Integer, more: bool = False, once: bool = False, **options: Any) -> list[Model]:
    """A table, and one that refers to it where there are options; on one metadata, where it is found."""
    first = model(
        "kind",
        Column("id", of, primary_key=True, autoincrement=False),
        Column("code", String(3), primary_key=more, nullable=False),
        arguments=[UniqueConstraint("id", name="once")] if once else [],
    )
    keys = [ForeignKeyConstraint(["kind"], ["shop.kind.id"], **options)] if options else []
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    second = model("part", key, Column("kind", of), arguments=keys)
    table_of(first).to_metadata(table_of(second).metadata)
    return [first, second]


def renamed_column() -> Any:
    new = item(Column("z", Integer), arguments=(CheckConstraint("z > 0", name="good"),))
    return kit(new, renames=(RenameColumn(table=new, old="x y", new="z"),))


def renamed_table(name: str, schema: str) -> Any:
    key = Column("id", Integer, primary_key=True, autoincrement=False)
    new = model(name, key, Column("code", String(10)), schema=schema)
    return kit(new, renames=(RenameTable(old="shop.item", to=new),))


def allowed(privileges: tuple[str, ...]) -> Any:
    table = item()
    return kit(table, grants=(Allow(privileges=privileges, on=table, to="the reader"),))


def circle() -> Any:
    def named(name: str, to: str) -> Any:
        return ForeignKeyConstraint(["other"], [f"shop.{to}.id"], name=f"{name}_to_{to}", use_alter=True)

    class Base(BaseMixin, registry=registry()):
        pass

    make: Any = type(BaseMixin)
    models = [
        make(
            name.title(),
            (Base,),
            {
                "id": Field(primary_key=True),
                "other": Field(default=None),
                "__annotations__": {"id": int, "other": int | None},
                "__module__": __name__,
                "__table_args__": (named(name, to), {"schema": "shop"}),
            },
            table=True,
        )
        for name, to in (("egg", "hen"), ("hen", "egg"))
    ]
    return kit(*models)


def written(difference: Difference, have: Snapshot) -> list[str]:
    """The statements for one difference alone."""
    writer = SqlServerDdl(DIALECT, have)
    writer.expect([difference])
    return [step.sql for step in writer.write(difference)]


PLAIN = with_()
ROUTINE = "CREATE FUNCTION shop.f(@x int) RETURNS int AS BEGIN RETURN @x END"
TRIGGER = "CREATE TRIGGER shop.t ON shop.item AFTER UPDATE AS BEGIN SET NOCOUNT ON; END"
AMOUNT = {"amount": (int | None, Field(default=None))}
CODE = {"code": (str, Field(max_length=3, primary_key=True))}
NOTE = {"note": (str | None, Field(default=None))}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


TYPES: dict[str, tuple[Any, Any, str]] = {
    "text": (str, Field(), "nvarchar(max)"),
    "text of a length": (str, Field(max_length=9), "nvarchar(9)"),
    "long text of a length": (str, Field(max_length=9000), "nvarchar(max)"),
    "whole number": (int, Field(), "int"),
    "big number": (int, Field(sa_type=BigInteger), "bigint"),
    "float": (float, Field(), "float"),
    "truth": (bool, Field(), "bit"),
    "bytes": (bytes, Field(), "varbinary(max)"),
    "decimal": (Decimal, Field(max_digits=12, decimal_places=4), "decimal(12,4)"),
    "UUID": (UUID, Field(), "uniqueidentifier"),
    "date": (date, Field(), "date"),
    "time": (time, Field(), "time(7)"),
    "time span": (timedelta, Field(), "datetime2(7)"),
    "instant": (datetime, Field(), "datetimeoffset(7)"),
    "JSON": (dict[str, Any], Field(sa_type=json_type()), "nvarchar(max)"),
    "list": (list[str], Field(sa_type=array_of(Text)), "nvarchar(max)"),
    "closed list": (Colour, column(values=Colour), "nvarchar(4)"),
    "named by the server": (str, Field(sa_type=mssql.VARCHAR(7)), "varchar(7)"),
}
