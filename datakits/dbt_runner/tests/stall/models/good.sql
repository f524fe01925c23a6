{{ config(meta={"layer": "silver"}) }}
select code, price from {{ ref("priced") }}
