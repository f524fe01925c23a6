"""What a till has sold, as it is in the till's own database. The variable TILL is the URL of that."""

import os

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, DatabaseSource, Datakit, Load, Target


class Sale(BronzeTableMixin, table=True):
    """Sales as the till has them, in words."""

    __table_args__ = {"schema": "till"}

    number: str = Field(sa_type=Text)
    price: str = Field(sa_type=Text)


datakit = Datakit(
    name="till",
    version="1.0",
    tables=(Sale,),
    loads=(
        Load(
            table=Sale,
            name="sales",
            layer="bronze",
            source=DatabaseSource(
                target=Target(os.environ.get("TILL", "postgresql://nobody@till/till"), name="till"),
                table="public.sale",
            ),
        ),
    ),
)
