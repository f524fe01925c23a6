"""A DagRun tells in one place which datakit it deployed, with which images, by which plans."""

from __future__ import annotations

from kit.described import described, write
from kit.home import DAGS
from kit.orchard import Orchard, clear, go_on, kept, xcom

NO_LOADS = described(checks=())
FIRST, SECOND = "a" * 64, "b" * 64


def deployed(plan_hash: str) -> dict[str, object]:
    return {"details": {"plan_hash": plan_hash}}


def test_what_was_deployed_outlives_clearing_and_the_next_version(orchard: Orchard) -> None:
    orchard.behave(deploy=[deployed(FIRST), deployed(""), deployed(SECOND), deployed(FIRST)])
    write(NO_LOADS, DAGS)
    dag = orchard.declare("recorded", "")
    run = orchard.begin(dag)
    go_on(dag, run)
    first = kept(run, "deploy", "datakit_deployed")
    assert first == {**xcom(run, "pin"), "plans": [FIRST]}
    assert (first["datakit"], first["version"], first["fingerprint"]) == ("shop", "1.0", "f" * 64)

    write(NO_LOADS.model_copy(update={"fingerprint": "e" * 64, "version": "2.0"}), DAGS)
    moved_on = orchard.declare("recorded", "")
    for plans in ([FIRST], [FIRST, SECOND], [FIRST, SECOND]):
        clear(run)
        go_on(moved_on, run)
        assert kept(run, "deploy", "datakit_deployed") == {**first, "plans": plans}

    new = orchard.begin(moved_on)
    go_on(moved_on, new)
    assert kept(new, "deploy", "datakit_deployed")["version"] == "2.0"


def test_a_deployment_that_fails_is_not_told_as_one(orchard: Orchard) -> None:
    orchard.behave(deploy=["mistake"])
    write(NO_LOADS, DAGS)
    dag = orchard.declare("undeployed", "")
    run = orchard.begin(dag)
    go_on(dag, run)

    assert kept(run, "deploy", "datakit_deployed") is None
