{{ config(materialized="view") }}
select code from {{ ref("good") }} where price <= {{ var("highest_price") }}
