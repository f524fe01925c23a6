"""Sales as tills have them, and what each stall took. Baked into an image by the tests."""

from sqlalchemy import Text
from sqlmodel import Field, Integer, cast, select
from sqlmodel_framework import BronzeTableMixin, Datakit, Load, QuerySource, ReferenceTableMixin


class Sale(BronzeTableMixin, table=True):
    """Sales as they come; Spark extracts them."""

    __table_args__ = {"schema": "stalls_bronze"}

    number: str | None = Field(default=None, sa_type=Text)
    stall: str | None = Field(default=None, sa_type=Text)


class Stall(ReferenceTableMixin, table=True):
    """Every stall that sold something; a load of the framework's own."""

    __table_args__ = {"schema": "stalls"}

    stall: int = Field(primary_key=True)


class Total(ReferenceTableMixin, table=True):
    """How much each stall sold; a Spark job counts it."""

    __table_args__ = {"schema": "stalls"}

    stall: int = Field(primary_key=True, foreign_key="stalls.stall.stall")
    sales: int = Field(ge=0)


every_stall = select(cast(Sale.stall, Integer).label("stall")).distinct()

datakit = Datakit(
    name="stalls",
    version="1.0",
    tables=(Sale, Stall, Total),
    loads=(Load(table=Stall, name="stalls", layer="silver", source=QuerySource(every_stall)),),
)
