"""A market stall: goods as they come, goods as they should be. Mounted into the image by the tests."""

from pathlib import Path
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


class RawGood(BronzeTableMixin, table=True):
    """Goods as the file has them."""

    __table_args__ = {"schema": "stall_bronze"}

    code: str = Field(sa_type=Text)
    price: str = Field(sa_type=Text)


class Good(ReferenceTableMixin, table=True):
    """Goods as they should be."""

    __table_args__ = {"schema": "stall"}

    code: str = Field(primary_key=True)
    price: float = Field(ge=0)


def open_goods() -> BinaryIO:
    """The file that is mounted beside the datakit."""
    return Path("/data/goods.csv").open("rb")


datakit = Datakit(
    name="stall",
    version="1.0",
    tables=(RawGood, Good),
    loads=(
        Load(
            table=RawGood,
            name="goods",
            layer="bronze",
            source=CsvSource(open=open_goods, name="goods.csv", system="stall"),
        ),
        Load(table=Good, name="goods", layer="silver", source=TableSource(RawGood)),
    ),
    checks=(
        Check(
            name="prices",
            statement=select(func.count()).select_from(Good).where(col(Good.price) > 1000),
            because="nothing costs that much",
        ),
    ),
)
