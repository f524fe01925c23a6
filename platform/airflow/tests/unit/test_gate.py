"""What a plan would destroy is deployed only when somebody approved exactly that plan."""

from __future__ import annotations

from typing import Any

from airflow.models.dagrun import DagRun
from airflow.sdk import DAG
from kit.orchard import Orchard, answer, go_on, instance, states

HASH = "c0ffee" * 10 + "abcd"
GATED = "deploy: gated\ncheck: false\ngroups: {all: [bronze.orders, bronze.items, silver.sales]}\n"


def planned(orchard: Orchard, dag_id: str, **details: Any) -> tuple[DAG, DagRun]:
    """A DagRun whose plan says this, run as far as it goes by itself."""
    told = {"plan_hash": HASH, "blocked": [], "changes": ["drop column silver.sales.note"], "statements": 1}
    orchard.behave(plan=[{"details": {**told, **details}}])
    dag = orchard.declare(dag_id, GATED)
    run = orchard.begin(dag)
    go_on(dag, run)
    return dag, run


def deployed(orchard: Orchard) -> list[Any]:
    return [one["parameters"] for one in orchard.asked() if one["step"] == "deploy"]


def test_a_plan_that_destroys_nothing_goes_on_by_itself(orchard: Orchard) -> None:
    _, run = planned(orchard, "harmless", destructive=False)

    assert set(states(run).values()) == {"success"}
    assert deployed(orchard) == [{}]


def test_a_plan_without_changes_goes_on_by_itself(orchard: Orchard) -> None:
    _, run = planned(orchard, "unchanged", destructive=False, plan_hash="", changes=[], statements=0)

    assert set(states(run).values()) == {"success"}


def test_a_plan_that_cannot_be_carried_out_asks_nobody(orchard: Orchard) -> None:
    _, run = planned(orchard, "blocked", destructive=True, blocked=["narrow silver.sales.price"])

    assert states(run)["approve"] == "failed"
    assert deployed(orchard) == []


def test_a_destructive_plan_waits_and_is_deployed_when_it_is_approved(orchard: Orchard) -> None:
    dag, run = planned(orchard, "approved", destructive=True)
    assert states(run)["approve"] == "awaiting_input"
    assert deployed(orchard) == []

    asked = answer(run, "approve", "Approve")
    go_on(dag, run)

    assert asked["subject"] == "shop would destroy something in warehouse: plan c0ffeec0ffee"
    assert "drop column silver.sales.note" in asked["body"]
    assert HASH in asked["body"]
    assert set(states(run).values()) == {"success"}
    assert deployed(orchard) == [{"approved_plan": HASH}]


def test_a_rejected_plan_is_red_and_nothing_follows(orchard: Orchard) -> None:
    dag, run = planned(orchard, "rejected", destructive=True)
    answer(run, "approve", "Reject")
    go_on(dag, run)

    assert states(run) == {
        "pin": "success",
        "plan": "success",
        "approve": "failed",
        "deploy": "upstream_failed",
        "all": "upstream_failed",
    }
    assert instance(run, "approve").try_number == 1


def test_a_report_without_a_plan_is_not_approved(orchard: Orchard) -> None:
    orchard.behave(plan=["succeed"])
    dag = orchard.declare("planless", GATED)
    run = orchard.begin(dag)
    go_on(dag, run)

    assert states(run)["approve"] == "failed"
    assert deployed(orchard) == []
