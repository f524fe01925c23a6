"""A market: offers as they come, goods as they should be. Baked into an image by the tests.

The variable MARKET says how the offers come: as they should, with a column that is not known, or without end.
"""

import io
import itertools
import os
import time
from collections.abc import Iterator
from typing import BinaryIO

from sqlalchemy import Text
from sqlmodel import Field, col, func, select
from sqlmodel_framework import (
    BronzeTableMixin,
    Check,
    CsvSource,
    Datakit,
    Load,
    ReferenceTableMixin,
    TableSource,
)


class Offer(BronzeTableMixin, table=True):
    """Offers as the file has them."""

    __table_args__ = {"schema": "market_bronze"}

    code: str = Field(sa_type=Text)
    price: str = Field(sa_type=Text)


class Good(ReferenceTableMixin, table=True):
    """Goods as they should be."""

    __table_args__ = {"schema": "market"}

    code: str = Field(primary_key=True)
    price: float = Field(ge=0)


class Endless(io.RawIOBase):
    """A file that goes on, slowly."""

    def __init__(self) -> None:
        self._lines = self._written()
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._rest = self._rest or next(self._lines)
        part = self._rest[: len(buffer)]
        buffer[: len(part)] = part
        self._rest = self._rest[len(part) :]
        return len(part)

    def _written(self) -> Iterator[bytes]:
        yield b"code,price\n"
        for number in itertools.count():
            if number > 100_000:  # enough to fill every buffer on the way to the database
                time.sleep(0.05)
            yield f"good-{number},1\n".encode()


def open_offers() -> BinaryIO:
    """The offers."""
    match os.environ.get("MARKET", "usual"):
        case "usual":
            return io.BytesIO(b"code,price\napple,1\npear,2\nplum,3\n")
        case "unknown column":
            return io.BytesIO(b"code,cost\napple,1\n")
        case "endless":
            return io.BufferedReader(Endless())
        case other:
            raise ValueError(other)


datakit = Datakit(
    name="market",
    version="1.0",
    tables=(Offer, Good),
    loads=(
        Load(
            table=Offer,
            name="offers",
            layer="bronze",
            source=CsvSource(open=open_offers, name="offers.csv", system="market"),
        ),
        Load(table=Good, name="goods", layer="silver", source=TableSource(Offer)),
    ),
    checks=(
        Check(
            name="prices",
            statement=select(func.count()).select_from(Good).where(col(Good.price) > 1000),
            because="nothing costs that much",
        ),
    ),
)
