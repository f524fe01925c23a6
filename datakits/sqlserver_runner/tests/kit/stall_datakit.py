"""A market stall: goods as SQL Server has them, goods as they should be. Mounted into the image."""

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit, Load, ReferenceTableMixin, TableSource


class RawGood(BronzeTableMixin, table=True):
    """Goods as the source has them."""

    __table_args__ = {"schema": "stall_bronze"}

    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)
    changed: str | None = Field(default=None, sa_type=Text)


class Good(ReferenceTableMixin, table=True):
    """Goods as they should be."""

    __table_args__ = {"schema": "stall"}

    code: str = Field(primary_key=True)
    price: float = Field(ge=0)


datakit = Datakit(
    name="stall",
    version="1.0",
    tables=(RawGood, Good),
    loads=(Load(table=Good, name="goods", layer="silver", source=TableSource(RawGood)),),
)
