"""Tables are assets, the same ones whoever names them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datakit_airflow.assets import asset_of, listened_assets
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.declaration import Declaration
from kit.described import SHOP, described, load

REPORTS = described(load("gold.totals", "silver.sales"), name="reports")


def declaration(**fields: Any) -> Declaration:
    given = {"dag_id": "r", "datakit": Path("r.json"), "target": "warehouse", "schedule": "assets", **fields}
    return Declaration.model_validate(given)


def test_a_table_is_named_by_its_connection_and_its_schema() -> None:
    asset = asset_of("warehouse", "silver.sales")

    assert asset.name == "warehouse/silver.sales"
    assert asset.uri == "datakit://warehouse/silver/sales"


def test_names_that_no_uri_holds_are_written_otherwise() -> None:
    assert asset_of("ware house", "silver.a/b").uri == "datakit://ware%20house/silver/a%2Fb"


def test_a_dag_listens_to_what_it_reads_and_does_not_write() -> None:
    assert listened_assets(REPORTS, declaration()) == [asset_of("warehouse", "silver.sales")]


def test_a_table_that_an_added_step_writes_is_not_listened_to() -> None:
    steps = {"extract": {"step": "extract", "image": "spark", "tables": "silver.sales"}}
    with pytest.raises(ConfigurationError, match="reads no table that it does not write"):
        listened_assets(REPORTS, declaration(steps=steps))


def test_more_tables_can_be_listed_also_of_other_databases() -> None:
    found = listened_assets(REPORTS, declaration(upstream=["a.b", "datakit://till/c/d"]))

    assert found[1:] == [asset_of("warehouse", "a.b"), asset_of("till", "c.d")]


def test_a_dag_that_would_listen_to_nothing_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="the datakit reads no table that it does not write itself"):
        listened_assets(SHOP, declaration())


@pytest.mark.parametrize("text", ["http://x/y", "datakit://warehouse", "datakit:///a/b"])
def test_a_listed_uri_that_names_no_table_is_a_mistake(text: str) -> None:
    with pytest.raises(ConfigurationError, match="names no table"):
        listened_assets(REPORTS, declaration(upstream=[text]))
