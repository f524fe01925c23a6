"""What a till has sold, by the day. Baked into an image by the tests.

The variable TILL is the URL of the till's database; its password is that of the target.
"""

import os
from pathlib import Path

from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, DatabaseSource, Datakit, Load, Target, Watermark

URL = os.environ.get("TILL", "postgresql+psycopg2://nobody@till/till")
PASSWORD = Path("/run/secrets/datakit/till_warehouse.password")


class Sale(BronzeTableMixin, table=True):
    """Sales as the till has them, in words."""

    __table_args__ = {"schema": "till_bronze"}

    number: str = Field(sa_type=Text)
    sold_at: str = Field(sa_type=Text)


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
                target=Target(URL, name="till", password_file=PASSWORD),
                table="public.sale",
                watermark=Watermark(column="sold_at"),
            ),
        ),
    ),
)
