"""A market: what was sold, as the tills have it. Mounted into the image by the tests."""

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit, ReferenceTableMixin


class Sale(BronzeTableMixin, table=True):
    """Sales as they come."""

    __table_args__ = {"schema": "market_bronze"}

    number: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    sold_at: str | None = Field(default=None, sa_type=Text)
    day: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)
    weight: str | None = Field(default=None, sa_type=Text)
    paid: str | None = Field(default=None, sa_type=Text)
    data: str | None = Field(default=None, sa_type=Text)


class Reader(BronzeTableMixin, table=True):
    """Who read which row."""

    __table_args__ = {"schema": "market_bronze"}

    number: str | None = Field(default=None, sa_type=Text)
    address: str | None = Field(default=None, sa_type=Text)


class Stall(ReferenceTableMixin, table=True):
    """What each stall took; a job fills it."""

    __table_args__ = {"schema": "market"}

    stall: int = Field(primary_key=True)
    sales: int = Field(ge=0)


datakit = Datakit(name="market", version="1.0", tables=(Sale, Reader, Stall))
