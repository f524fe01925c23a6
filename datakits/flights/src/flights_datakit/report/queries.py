"""The queries behind the figures of the report. All ask gold; counts of rows ask every layer."""

from flights_datakit.gold import UNKNOWN_PLANE
from flights_datakit.loads import LOADS

COUNTED = """
    count(*) AS flights,
    count(late) AS arrived,
    count(*) FILTER (WHERE late) AS late,
    count(*) FILTER (WHERE cancelled) AS cancelled"""

MEAN_DELAY = "cast(avg(arr_delay) AS double precision) AS mean_delay"

# A flight is compared with those in fair weather that left the same airport in the same hour of the day.
STRATA = "origin, departure_hour"
MONTH_STRATA = "origin, departure_hour, extract(month FROM flight_date)"

WET = "precip > 0"
NOT_FAIR = "NOT fair_weather"

TOTALS = f"""
SELECT {COUNTED},
    count(*) FILTER (WHERE NOT cancelled AND late IS NULL) AS lost,
    min(flight_date) AS first_day,
    max(flight_date) AS last_day,
    count(DISTINCT carrier) AS airlines,
    count(DISTINCT origin) AS origins,
    count(DISTINCT dest) AS destinations,
    {MEAN_DELAY},
    percentile_cont(0.5) WITHIN GROUP (ORDER BY arr_delay) AS median_delay
FROM gold.fact_flight"""

HOURS = f"""
SELECT departure_hour AS hour, 'any' AS weather, {COUNTED}
FROM gold.fact_flight
GROUP BY departure_hour
ORDER BY departure_hour"""

HOURS_BY_WEATHER = f"""
SELECT departure_hour AS hour,
    CASE WHEN fair_weather THEN 'fair' WHEN {WET} THEN 'wet' ELSE 'dry' END AS weather,
    {COUNTED}
FROM gold.fact_flight
WHERE fair_weather IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2"""

CARRIERS = f"""
WITH usual AS (
    SELECT origin, departure_hour, avg(cast(late AS integer)) AS late_share
    FROM gold.fact_flight
    GROUP BY origin, departure_hour
)
SELECT carrier, airline.name, {COUNTED}, {MEAN_DELAY},
    cast(coalesce(sum(usual.late_share) FILTER (WHERE late IS NOT NULL), 0) AS double precision) AS expected
FROM gold.fact_flight
JOIN gold.dim_airline AS airline USING (carrier)
JOIN usual USING (origin, departure_hour)
GROUP BY carrier, airline.name
ORDER BY carrier"""

ROUTES = f"""
SELECT origin, dest, airport.name AS dest_name, {COUNTED}, {MEAN_DELAY}
FROM gold.fact_flight
JOIN gold.dim_airport AS airport ON airport.faa = dest
GROUP BY origin, dest, airport.name
ORDER BY origin, dest"""

DAYS = f"""
SELECT flight_date AS day, {COUNTED}
FROM gold.fact_flight
GROUP BY flight_date
ORDER BY flight_date"""

GAPS = f"""
SELECT
    count(*) FILTER (WHERE NOT airport.listed) AS unlisted_destination,
    count(*) FILTER (WHERE NOT plane.listed) AS unlisted_plane,
    count(*) FILTER (WHERE tailnum = '{UNKNOWN_PLANE}') AS no_tail_number,
    count(*) FILTER (WHERE NOT weather_known) AS no_weather
FROM gold.fact_flight
JOIN gold.dim_airport AS airport ON airport.faa = dest
JOIN gold.dim_plane AS plane USING (tailnum)"""

WEATHER_CLASSES = (
    ("Precipitation", "light: up to 0.1 in/h", "precip > 0 AND precip <= 0.1"),
    ("Precipitation", "moderate: 0.1 to 0.3 in/h", "precip > 0.1 AND precip <= 0.3"),
    ("Precipitation", "heavy: above 0.3 in/h", "precip > 0.3"),
    ("Visibility", "3 to below 10 miles", "visib >= 3 AND visib < 10"),
    ("Visibility", "below 3 miles", "visib < 3"),
    ("Wind", "15 to below 25 mph", "wind_speed >= 15 AND wind_speed < 25"),
    ("Wind", "25 mph or more", "wind_speed >= 25"),
)


def _compared(strata: str) -> str:
    """Return the flights with the late share of fair weather of their stratum beside them."""
    return f"""
WITH flight AS (
    SELECT late, cancelled, fair_weather, precip, visib, wind_speed, row({strata}) AS stratum
    FROM gold.fact_flight
), fair AS (
    SELECT stratum, avg(cast(late AS integer)) AS late_share
    FROM flight
    WHERE fair_weather AND late IS NOT NULL
    GROUP BY stratum
), compared AS (
    SELECT flight.*, fair.late_share
    FROM flight
    JOIN fair USING (stratum)
)"""


EXPECTED = """
    cast(coalesce(sum(late_share) FILTER (WHERE late IS NOT NULL), 0) AS double precision) AS expected"""

WEATHER = (
    _compared(STRATA)
    + "\nUNION ALL".join(
        f"""
SELECT {number} AS number, '{measure}' AS measure, '{label}' AS label, {COUNTED}, {EXPECTED}
FROM compared
WHERE {condition}"""
        for number, (measure, label, condition) in enumerate(WEATHER_CLASSES)
    )
    + "\nORDER BY number"
)


def compared(condition: str, strata: str) -> str:
    """Return the query that compares the flights under a condition with fair weather, within ``strata``."""
    return f"""{_compared(strata)}
SELECT 'Any' AS measure, 'any' AS label, {COUNTED}, {EXPECTED}
FROM compared
WHERE {condition}"""


def stored() -> str:
    """Return the query that counts the rows of every table that is loaded."""
    return "\nUNION ALL".join(
        f"\nSELECT '{load.layer}' AS layer, '{load.name}' AS name, count(*) AS rows"
        f" FROM {load.full_table_name}"
        for load in LOADS
    )
