"""A datakit of three layers, and an environment in which nobody listens."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Text, func, select
from sqlmodel import Field, col
from sqlmodel_framework import (
    BronzeTableMixin,
    Check,
    CsvSource,
    Datakit,
    Load,
    QuerySource,
    ReferenceTableMixin,
    TableSource,
    Target,
)

SECRET = "s3cr3t-p@ss/word"


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "observed"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __tablename__ = "item"
    __table_args__ = {"schema": "observed"}
    code: str = Field(primary_key=True, sa_column_kwargs={"comment": "What the till calls it."})
    price: int = Field(ge=0)


class Dear(ReferenceTableMixin, table=True):
    __tablename__ = "dear"
    __table_args__ = {"schema": "observed"}
    code: str = Field(primary_key=True)
    price: int


GOOD = "code,price\na,1\nb,200\nc,-1\n,5\n"

Kit = Callable[..., Datakit]


@pytest.fixture
def kit() -> Kit:
    """Make the datakit: of a file's text, and the highest price that its check lets pass."""

    def make(text: str = GOOD, limit: int = 1000, opened: Callable[[], io.BytesIO] | None = None) -> Datakit:
        file = CsvSource(
            open=opened or (lambda: io.BytesIO(text.encode())),
            name=f"https://me:{SECRET}@till.example/items.csv?token={SECRET}",
            null="",
        )
        dear = select(func.count()).select_from(Item).where(col(Item.price) > limit)
        query: Any = select(col(Item.code), col(Item.price)).where(col(Item.price) > 100)
        return Datakit(
            name="observed",
            version="1.2",
            tables=(Raw, Item, Dear),
            loads=(
                Load(table=Raw, name="items", layer="bronze", source=file),
                Load(table=Item, name="items", layer="silver", source=TableSource(Raw)),
                Load(table=Dear, name="dear", layer="gold", source=QuerySource(query)),
            ),
            checks=(Check(name="prices", statement=dear, because="nothing is that dear"),),
        )

    return make


@pytest.fixture
def target(database: Target) -> Target:
    """An empty database, over a URL with a password."""
    return Target(database.url.set(password=SECRET), name="warehouse")


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(("OPENLINEAGE", "OTEL", "TRACE")):
            monkeypatch.delenv(name)
