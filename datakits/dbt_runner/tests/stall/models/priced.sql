{{ config(materialized="ephemeral") }}
select code, price::numeric as price from {{ ref("raw_good") }} where price is not null
