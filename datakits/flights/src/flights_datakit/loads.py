"""The loads, in the order in which they run, and the rules for what is known to be imperfect."""

from sqlmodel import SQLModel
from sqlmodel_framework import CsvSource, Load, QuerySource, Reference, TableSource, Unique

from flights_datakit import bronze, gold, silver, star
from flights_datakit.sources import PACKAGE, opener

NULL_TEXT = ("NA",)

BRONZE_TABLES: dict[str, type[SQLModel]] = {
    "airlines": bronze.BronzeAirline,
    "airports": bronze.BronzeAirport,
    "planes": bronze.BronzePlane,
    "weather": bronze.BronzeWeather,
    "flights": bronze.BronzeFlight,
}

BRONZE = tuple(
    Load(
        table=table,
        name=name,
        layer="bronze",
        source=CsvSource(open=opener(name), name=f"{PACKAGE}/{name}.csv", system=PACKAGE),
    )
    for name, table in BRONZE_TABLES.items()
)

KNOWN_AIRPORT = "the three origins define the data, so a row from anywhere else is damaged"
KNOWN_AIRLINE = "the list of airlines is complete, so a flight of no listed airline is damaged"
UNLISTED_DESTINATION = (
    "the list leaves out Puerto Rico and the Virgin Islands, where people fly all the same; "
    "gold infers the airport"
)
UNLISTED_PLANE = (
    "the list lacks many planes, most of all those of two airlines that report fleet numbers; "
    "gold infers the plane"
)
NO_PLANE = "the list lacks the plane, or the flight has no tail number; it counts all the same"
CLOCK_BACK = (
    "when the clocks go back one local hour comes twice; both are real, and the key is the hour in UTC"
)

SILVER = (
    Load(
        table=silver.SilverAirline,
        name="airlines",
        layer="silver",
        source=TableSource(bronze.BronzeAirline, null_values=NULL_TEXT),
    ),
    Load(
        table=silver.SilverAirport,
        name="airports",
        layer="silver",
        source=TableSource(bronze.BronzeAirport, null_values=NULL_TEXT),
    ),
    Load(
        table=silver.SilverPlane,
        name="planes",
        layer="silver",
        source=TableSource(bronze.BronzePlane, null_values=NULL_TEXT),
    ),
    Load(
        table=silver.SilverWeather,
        name="weather",
        layer="silver",
        source=TableSource(bronze.BronzeWeather, null_values=NULL_TEXT),
        rules=(
            Reference(
                column="origin", to=silver.SilverAirport.faa, on_missing="quarantine", because=KNOWN_AIRPORT
            ),
            Unique(
                columns=("origin", "year", "month", "day", "hour"), on_duplicate="keep", because=CLOCK_BACK
            ),
        ),
    ),
    Load(
        table=silver.SilverFlight,
        name="flights",
        layer="silver",
        source=TableSource(bronze.BronzeFlight, null_values=NULL_TEXT),
        rules=(
            Reference(
                column="carrier",
                to=silver.SilverAirline.carrier,
                on_missing="quarantine",
                because=KNOWN_AIRLINE,
            ),
            Reference(
                column="origin", to=silver.SilverAirport.faa, on_missing="quarantine", because=KNOWN_AIRPORT
            ),
            Reference(
                column="dest", to=silver.SilverAirport.faa, on_missing="keep", because=UNLISTED_DESTINATION
            ),
            Reference(
                column="tailnum", to=silver.SilverPlane.tailnum, on_missing="keep", because=UNLISTED_PLANE
            ),
        ),
    ),
)

GOLD = (
    Load(table=gold.DimAirline, name="dim_airline", layer="gold", source=QuerySource(star.airlines())),
    Load(table=gold.DimAirport, name="dim_airport", layer="gold", source=QuerySource(star.airports())),
    Load(table=gold.DimPlane, name="dim_plane", layer="gold", source=QuerySource(star.planes())),
    Load(table=gold.DimDate, name="dim_date", layer="gold", source=QuerySource(star.dates())),
    Load(
        table=gold.FactFlight,
        name="fact_flight",
        layer="gold",
        source=QuerySource(star.flights()),
        rules=(
            Reference(
                column="dest", to=silver.SilverAirport.faa, on_missing="keep", because=UNLISTED_DESTINATION
            ),
            Reference(column="tailnum", to=silver.SilverPlane.tailnum, on_missing="keep", because=NO_PLANE),
        ),
    ),
)

LOADS = (*BRONZE, *SILVER, *GOLD)
