"""The datakit: what is deployed, loaded, checked and reported."""

from sqlmodel_framework import Datakit

from flights_datakit import bronze, gold, silver
from flights_datakit.checks import CHECKS
from flights_datakit.loads import LOADS
from flights_datakit.report import write_report

datakit = Datakit(
    name="flights",
    version="0.1.0",
    description="A year of flights out of New York City: who is late, when, and does weather explain it?",
    tables=(bronze, silver, gold),
    loads=LOADS,
    checks=CHECKS,
    report=write_report,
)
