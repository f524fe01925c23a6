-- Every flight once, with the weather of its origin and hour where there is an observation.
select
    flights.time_hour,
    flights.carrier,
    flights.flight,
    (flights.time_hour at time zone '{{ var("time_zone") }}')::date as flight_date,
    flights.hour as departure_hour,
    flights.origin,
    flights.dest,
    coalesce(flights.tailnum, 'unknown') as tailnum,
    flights.distance,
    flights.dep_delay,
    flights.arr_delay,
    flights.air_time,
    flights.dep_time is null as cancelled,
    flights.arr_delay >= {{ var("late_from_minutes") }} as late,
    weather.origin is not null as weather_known,
    weather.temp,
    weather.humid,
    weather.wind_speed,
    weather.wind_gust,
    weather.precip,
    weather.pressure,
    weather.visib,
    weather.precip = 0
    and weather.visib >= {{ var("fair_visibility_miles") }}
    and weather.wind_speed < {{ var("fair_wind_below_mph") }} as fair_weather
from {{ source('silver', 'flights') }} as flights
left join {{ source('silver', 'weather') }} as weather
    on weather.origin = flights.origin and weather.time_hour = flights.time_hour
