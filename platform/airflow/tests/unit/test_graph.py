"""The order of steps follows from what is read and referred to, and mistakes are told by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.declaration import Declaration
from datakit_airflow.environment import Environment
from datakit_airflow.graph import Graph, build_graph
from datakit_airflow.settled import settled_images
from kit.described import SHOP, described, load
from sqlmodel_framework.runs.description import Description

SPARK = {"step": "job", "image": "spark"}
DIGEST = "sha256:" + "a" * 64


def declaration(**fields: Any) -> Declaration:
    given = {"dag_id": "shop", "datakit": Path("shop.json"), "target": "warehouse", **fields}
    return Declaration.model_validate(given)


def graph(description: Description = SHOP, **fields: Any) -> Graph:
    return build_graph(description, declaration(**fields))


def upstream(found: Graph) -> dict[str, tuple[str, ...]]:
    return {step.id: step.upstream for step in found.steps}


def problems(description: Description = SHOP, **fields: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        graph(description, **fields)
    return [str(problem).removeprefix("shop: ") for problem in caught.value.problems]


def test_a_load_waits_for_those_whose_tables_it_reads() -> None:
    assert upstream(graph()) == {
        "pin": (),
        "deploy": ("pin",),
        "bronze.orders": ("deploy",),
        "bronze.items": ("deploy",),
        "silver.sales": ("bronze.items", "bronze.orders"),
        "check": ("silver.sales",),
    }


def test_loads_of_a_layer_can_share_a_container() -> None:
    found = graph(groups="layer")

    assert upstream(found)["silver"] == ("bronze",)
    assert found.step("bronze").loads == ("bronze.orders", "bronze.items")
    assert found.step("bronze").parameters == {"loads": ["bronze.orders", "bronze.items"]}
    assert found.step("bronze").windowed


def test_loads_that_no_group_lists_have_a_container_each() -> None:
    found = graph(groups={"intake": ["bronze.items", "bronze.orders"]})

    assert upstream(found)["silver.sales"] == ("intake",)


def test_groups_that_wait_for_each_other_are_named() -> None:
    description = described(load("a.x"), load("a.y", "a.x"), load("a.z", "a.y"))
    [found] = problems(description, groups={"outer": ["a.x", "a.z"], "inner": ["a.y"]})

    assert found.startswith("groups: these wait for each other: ")
    assert {"outer", "inner"} <= set(found.replace("(", " ").split())


def test_without_a_deployment_loads_begin_at_once() -> None:
    assert upstream(graph(deploy="none"))["bronze.orders"] == ("pin",)


def test_a_gate_lies_between_plan_and_deployment() -> None:
    found = upstream(graph(deploy="gated"))

    assert found["approve"] == ("plan",)
    assert found["deploy"] == ("approve",)


def test_dbt_builds_after_its_loads_and_before_the_checks() -> None:
    found = graph(dbt={"name": "gold", "after": "bronze", "parameters": {"schema": "gold"}})

    assert upstream(found)["dbt_build"] == ("bronze.orders", "bronze.items")
    assert upstream(found)["check"] == ("silver.sales", "dbt_build")
    assert found.step("dbt_build").datakit == "gold"
    assert found.step("dbt_build").role == "dbt"
    assert found.step("dbt_build").pod == "dbt"


def test_a_step_of_another_runner_is_between_what_it_reads_and_who_reads_its_tables() -> None:
    extract = {"step": "extract", "image": "spark", "tables": "bronze.items", "source": "tills"}
    job = {"step": "job", "image": "spark", "after": ["silver", "extract"], "pod": "spark", "windowed": True}
    found = graph(
        steps={"extract": extract, "totals": {**job, "tables": "gold.totals", "parameters": {"job": "a:b"}}},
        dbt={"after": "totals"},
    )

    assert upstream(found) == {
        "pin": (),
        "deploy": ("pin",),
        "bronze.orders": ("deploy",),
        "bronze.items": ("deploy",),
        "extract": ("deploy",),
        "silver.sales": ("bronze.items", "bronze.orders", "extract"),
        "totals": ("extract", "silver.sales"),
        "dbt_build": ("totals",),
        "check": ("dbt_build",),
    }
    assert found.step("extract").source == "tills"
    assert found.roles == ("dbt", "spark", "sqlmodel")
    totals = found.step("totals")
    assert (totals.runner_step, totals.pod, totals.tables) == ("job", "spark", ("gold.totals",))
    assert (totals.windowed, totals.parameters) == (True, {"job": "a:b"})


def test_tables_that_dbt_makes_are_written_by_it() -> None:
    found = graph(dbt={"tables": ["gold_dbt.totals", "gold_dbt.days", "gold_dbt.totals"]})

    assert found.step("dbt_build").tables == ("gold_dbt.totals", "gold_dbt.days")


def test_verified_loads_are_verified_when_they_are_done() -> None:
    step = graph(verify=["bronze.items"]).step("verify")

    assert step.upstream == ("bronze.items",)
    assert step.parameters == {"loads": ["bronze.items"]}


def test_without_a_list_those_are_verified_that_read_a_database() -> None:
    mixed = described(load("a.x", kind="database"), load("a.y"), load("b.z", "a.x", kind="table"))

    step = graph(mixed, verify=True).step("verify")

    assert step.upstream == ("a.x",)
    assert step.parameters == {"loads": ["a.x"]}


def test_a_datakit_without_checks_has_no_check() -> None:
    assert "check" not in upstream(graph(described(load("a.x"), checks=())))


def test_images_pods_and_sources_are_chosen_from_the_load_to_the_kind() -> None:
    found = graph(
        runners={"load": "postgres", "silver.sales": "spark"},
        pods={"bronze": "io-heavy", "silver.sales": "spark"},
        sources={"bronze": "till"},
    )

    assert (found.step("silver.sales").role, found.step("silver.sales").pod) == ("spark", "spark")
    assert (found.step("bronze.items").role, found.step("bronze.items").pod) == ("postgres", "io-heavy")
    assert found.step("bronze.items").source == "till"
    assert found.step("silver.sales").source is None
    assert found.roles == ("postgres", "spark", "sqlmodel")


TILLS = described(
    load("bronze.sales", kind="database", database="till"),
    load("bronze.returns", kind="database", database="till"),
    load("bronze.stock", kind="database", database="store"),
    load("bronze.files"),
)


def test_a_database_that_sources_name_is_the_connection_that_is_declared_for_it() -> None:
    found = graph(TILLS, groups="layer", sources={"till": "till_test", "bronze.files": "share"}, verify=True)

    for step in (found.step("bronze"), found.step("verify")):
        assert step.sources == {"till": "till_test"}
    assert found.step("bronze").source == "share"
    assert found.step("deploy").sources == {}


def test_it_can_be_declared_for_a_load_or_a_layer_as_well() -> None:
    found = graph(TILLS, sources={"bronze": "copy", "bronze.sales": "till_test"})

    assert found.step("bronze.sales").sources == {"till": "till_test"}
    assert found.step("bronze.returns").sources == {"till": "copy"}
    assert found.step("bronze.stock").sources == {"store": "copy"}
    assert found.step("bronze.files").source == "copy"


def test_one_name_is_one_connection_in_a_container() -> None:
    [told] = problems(TILLS, groups="layer", sources={"bronze.returns": "copy", "bronze.sales": "till_test"})

    assert told.startswith(
        "sources: the loads of 'bronze' read till from several connections: till_test, copy"
    )


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"groups": {"g": ["bronze.order"]}}, "groups.g: 'bronze.order' is no load of the datakit 'shop'"),
        ({"groups": {"g": []}}, "groups.g: it has no load in it"),
        (
            {"groups": {"g": ["bronze.items"], "h": ["bronze.items"]}},
            "groups.h: 'bronze.items' is in 'g' as well",
        ),
        ({"groups": {"deploy": ["bronze.items"]}}, "groups: two tasks would be called 'deploy'"),
        ({"pods": {"gold": "dbt"}}, "pods.gold: 'gold' is no kind of step, layer or load"),
        ({"runners": {"gold": "dbt"}}, "runners.gold: 'gold' is no kind of step, layer or load"),
        ({"sources": {"gold": "x"}}, "sources.gold: 'gold' is no load, layer or database"),
        ({"dbt": {"tables": "silver.sales"}}, "dbt.tables: 'silver.sales' is a table of the datakit 'shop'"),
        ({"dbt": {"after": "gold"}}, "dbt.after: 'gold' is no load, layer or step"),
        ({"steps": {"a": SPARK | {"after": "a"}}}, "steps.a.after: 'a' is no load, layer or other step"),
        ({"steps": {"deploy": SPARK}}, "groups: two tasks would be called 'deploy'"),
        ({"steps": {"bronze.items": SPARK}}, "steps.bronze.items: two tasks would be called 'bronze.items'"),
        (
            {"steps": {"a": SPARK | {"after": "silver", "tables": "bronze.items"}}},
            "steps: these wait for each other: ",
        ),
        ({"verify": ["gold"]}, "verify: 'gold' is no load"),
        ({"verify": True}, "verify: no load of the datakit 'shop' reads another database"),
        ({"parameters": {"dbt": {"vars": {}}}}, "parameters.dbt: there is no dbt step"),
        (
            {"groups": "layer", "sources": {"bronze.items": "a", "bronze.orders": "b"}},
            "sources: the loads of 'bronze' read their source from several connections: b, a",
        ),
    ],
)
def test_what_names_nothing_is_a_mistake(fields: dict[str, Any], told: str) -> None:
    [found] = problems(**fields)

    assert found.startswith(told)


def test_names_that_airflow_does_not_take_are_written_otherwise() -> None:
    found = graph(described(load("raw data.a b")))

    assert "raw_data.a_b" in upstream(found)
    assert found.step("raw_data.a_b").loads == ("raw data.a b",)


def images(environment: dict[str, Any], **fields: Any) -> dict[str, str]:
    declared = declaration(**fields)
    return settled_images(declared, Environment.model_validate(environment), build_graph(SHOP, declared))


def test_each_role_has_its_image() -> None:
    named = {"sqlmodel": f"shop@{DIGEST}", "spark": f"unused@{DIGEST}"}

    assert images({"execution": "docker"}, images=named) == {"sqlmodel": f"shop@{DIGEST}"}


def test_a_role_without_an_image_is_a_mistake_where_there_are_containers() -> None:
    with pytest.raises(ConfigurationError, match=r"images.sqlmodel: there is no image for the role"):
        images({"execution": "docker"})
    assert images({"execution": "process"}) == {}


def test_production_refuses_an_image_by_tag() -> None:
    named = {"sqlmodel": "shop:1.0"}

    assert images({"execution": "docker"}, images=named) == named
    with pytest.raises(ConfigurationError, match="'shop:1.0' names no digest, which production needs"):
        images({"execution": "docker", "production": True}, images=named)
