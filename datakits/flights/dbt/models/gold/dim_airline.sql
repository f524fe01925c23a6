select carrier, name
from {{ source('silver', 'airlines') }}
