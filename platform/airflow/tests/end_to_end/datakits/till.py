"""What a till has sold, as it is in a database that is called till; which one that is, is not said here."""

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, DatabaseSource, Datakit, Load


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
            source=DatabaseSource(target="till", table="public.sale"),
        ),
    ),
)
