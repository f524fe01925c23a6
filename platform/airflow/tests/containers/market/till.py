"""What a till has sold, by the day. Baked into an image by the tests.

The variable TILL is the URL of the till's database; its password is that of the target.
"""

import os
from datetime import datetime
from pathlib import Path

from sqlalchemy import DateTime
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, DatabaseSource, Datakit, Load, Target, Watermark

URL = os.environ.get("TILL", "postgresql+psycopg2://nobody@till/till")
PASSWORD = Path("/run/secrets/datakit/till_warehouse.password")


class Sale(BronzeTableMixin, table=True):
    """Sales as the till has them."""

    __table_args__ = {"schema": "till_bronze"}

    number: int
    sold_at: datetime = Field(sa_type=DateTime(timezone=True))  # type: ignore[call-overload]


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
