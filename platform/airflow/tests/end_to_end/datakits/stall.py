"""A market stall, and what it sells.

The variable STALL says which version it is; the second one has no notes about fruit.
"""

import io
import os
from typing import BinaryIO

from sqlmodel import Field
from sqlmodel_framework import CsvSource, Datakit, Load, ReferenceTableMixin

FIRST = os.environ.get("STALL", "1.0") == "1.0"


class Fruit(ReferenceTableMixin, table=True):
    """What is sold."""

    __table_args__ = {"schema": "stall"}

    code: str = Field(primary_key=True)
    price: int
    if FIRST:
        note: str


def open_fruit() -> BinaryIO:
    """The fruit, as the version has it."""
    return io.BytesIO(
        b"code,price,note\napple,1,red\npear,2,green\n" if FIRST else b"code,price\napple,1\npear,3\n"
    )


datakit = Datakit(
    name="stall",
    version="1.0" if FIRST else "2.0",
    tables=(Fruit,),
    loads=(
        Load(
            table=Fruit,
            name="fruit",
            layer="silver",
            source=CsvSource(open=open_fruit, name="fruit.csv", system="stall"),
        ),
    ),
)
