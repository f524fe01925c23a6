-- Each local day from the first flight to the last, without a gap; weekday 1 is Monday.
with days as (
    select generate_series(min(flight_date), max(flight_date), interval '1 day')::date as day_date
    from {{ ref('fact_flight') }}
)

select
    day_date,
    extract(year from day_date)::integer as year,
    extract(quarter from day_date)::integer as quarter,
    extract(month from day_date)::integer as month,
    extract(day from day_date)::integer as day,
    extract(isodow from day_date)::integer as weekday,
    extract(isodow from day_date) >= 6 as weekend
from days
