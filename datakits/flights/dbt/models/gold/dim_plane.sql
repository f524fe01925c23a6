-- The listed planes, one for each other plane that flew, and one for flights without a tail number.
with every_plane as (
    select tailnum from {{ source('silver', 'planes') }}
    union
    select coalesce(tailnum, 'unknown') from {{ source('silver', 'flights') }}
)

select
    every_plane.tailnum,
    planes.year,
    planes.type,
    planes.manufacturer,
    planes.model,
    planes.engines,
    planes.seats,
    planes.engine,
    planes.tailnum is not null as listed
from every_plane
left join {{ source('silver', 'planes') }} as planes on planes.tailnum = every_plane.tailnum
