-- The listed airports, and one for each other code on a flight.
with every_airport as (
    select faa from {{ source('silver', 'airports') }}
    union
    select origin from {{ source('silver', 'flights') }}
    union
    select dest from {{ source('silver', 'flights') }}
)

select
    every_airport.faa,
    airports.name,
    airports.lat,
    airports.lon,
    airports.alt,
    airports.tzone,
    airports.faa is not null as listed
from every_airport
left join {{ source('silver', 'airports') }} as airports on airports.faa = every_airport.faa
