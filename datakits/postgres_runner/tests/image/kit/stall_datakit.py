"""A market stall: goods as another database has them. Mounted into the image by the tests."""

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit


class Good(BronzeTableMixin, table=True):
    """Goods as the source has them."""

    __table_args__ = {"schema": "stall_bronze"}

    code: str | None = Field(default=None, sa_type=Text)
    label: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)
    sold_at: str | None = Field(default=None, sa_type=Text)


datakit = Datakit(name="stall", version="1.0", tables=(Good,))
