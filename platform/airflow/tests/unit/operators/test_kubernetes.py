"""The pod that a step becomes, and the Secret that belongs to it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import requests
from datakit_airflow.declaration import PodTemplate
from datakit_airflow.operators.kubernetes import DatakitPodOperator
from kit.cluster import Cluster, running_cluster
from kit.home import DAGS
from kit.orchard import PASSWORD, Orchard, go_on, go_to, states

IMAGE = "registry.example/shop@sha256:" + "a" * 64
ONE_LOAD = (
    "deploy: none\ncheck: false\ngroups: {all: [bronze.orders, bronze.items, silver.sales]}\n"
    f"images: {{sqlmodel: '{IMAGE}'}}\n"
)
FLIGHTS = """
deploy: plain
groups: layer
images: {{sqlmodel: '{image}', dbt: '{image}'}}
dbt: {{tables: [flights.dim_airline, flights.fact_flight]}}
"""


@pytest.fixture
def cluster(orchard: Orchard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    with running_cluster() as found:
        extra = {"kube_config": json.dumps(found.access)}
        monkeypatch.setenv(
            "AIRFLOW_CONN_KUBERNETES_DEFAULT", json.dumps({"conn_type": "kubernetes", "extra": extra})
        )
        (DAGS / "datakit_airflow.toml").write_text(
            'execution = "kubernetes"\nproduction = true\nstop_grace = 5\n'
            '[kubernetes]\nnamespace = "shop"\nservice_account = "runner"\nin_cluster = false\n'
        )
        yield found
        assert found.refused == []


def begun(orchard: Orchard, dag_id: str, text: str = "") -> dict[str, str | None]:
    """The states of a DagRun after its pod was made, or refused."""
    dag = orchard.declare(dag_id, ONE_LOAD + text)
    run = orchard.begin(dag)
    go_on(dag, run, rounds=2)
    return states(run)


def own_template(spec: dict[str, Any]) -> None:
    """A default template of the environment's own."""
    own = DAGS / "pods"
    own.mkdir(exist_ok=True)
    template = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "own"},
        "spec": {"containers": [{"name": "base"}], **spec},
    }
    (own / "default.yaml").write_text(json.dumps(template))
    settings = Path(DAGS / "datakit_airflow.toml")
    settings.write_text(settings.read_text() + 'templates = "pods"\n')


def test_a_step_is_a_pod_that_is_waited_for_without_a_worker(orchard: Orchard, cluster: Cluster) -> None:
    assert begun(orchard, "deferred", "pods: {load: io-heavy}\n")["all"] == "deferred"

    [pod] = cluster.of_kind("pods")
    spec = pod["spec"]
    base = next(one for one in spec["containers"] if one["name"] == "base")
    assert base["image"] == IMAGE
    assert base["args"] == ["run", "--spec", "/run/secrets/datakit/spec.json"]
    assert base["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }
    assert base["resources"]["limits"]["memory"] == "2Gi"
    assert spec["serviceAccountName"] == "runner"
    assert spec["automountServiceAccountToken"] is False
    assert spec["terminationGracePeriodSeconds"] == 5
    assert spec["restartPolicy"] == "Never"


def test_the_password_is_in_a_secret_that_goes_with_the_pod(orchard: Orchard, cluster: Cluster) -> None:
    begun(orchard, "owned")

    [pod] = cluster.of_kind("pods")
    [secret] = cluster.of_kind("secrets")
    assert secret["stringData"]["warehouse.password"] == PASSWORD
    assert PASSWORD not in json.dumps(pod)
    assert secret["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "uid": pod["metadata"]["uid"],
        }
    ]
    volume = next(one for one in pod["spec"]["volumes"] if one["name"] == "datakit-run")
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    run_id = json.loads(secret["stringData"]["spec.json"])["run_id"]
    assert secret["metadata"]["name"] == f"datakit-{run_id}"


def test_without_a_pod_no_secret_is_left(orchard: Orchard, cluster: Cluster) -> None:
    cluster.full = True

    assert begun(orchard, "refused")["all"] == "up_for_retry"
    assert [(method, kind) for method, kind, _ in cluster.asked if kind == "secrets"] == [
        ("POST", "secrets"),
        ("DELETE", "secrets"),
    ]
    assert cluster.objects == {}


def test_an_environment_can_bring_its_own_templates(orchard: Orchard, cluster: Cluster) -> None:
    own_template({"nodeSelector": {"disk": "fast"}})
    begun(orchard, "templated")

    [pod] = cluster.of_kind("pods")
    assert pod["spec"]["nodeSelector"] == {"disk": "fast"}


@pytest.mark.parametrize("template", get_args(PodTemplate))
def test_each_template_is_a_pod_of_kubernetes(orchard: Orchard, cluster: Cluster, template: str) -> None:
    assert begun(orchard, f"as-{template}", f"pods: {{load: {template}}}\n")["all"] == "deferred"

    [pod] = cluster.of_kind("pods")
    assert pod["metadata"]["labels"]["datakit.io/pod"] == template


def test_every_step_of_flights_is_a_pod_of_kubernetes(orchard: Orchard, cluster: Cluster) -> None:
    description = os.environ["FLIGHTS_DESCRIPTION"]
    shutil.copy(description, DAGS / "flights.json")
    dag = orchard.declare("flights", FLIGHTS.format(image=IMAGE), "flights")
    run = orchard.begin(dag)
    go_on(dag, run, rounds=1)
    steps = [one.task_id for one in dag.tasks if isinstance(one, DatakitPodOperator)]
    for step in steps:
        go_to(dag, run, step)

    assert {states(run)[one] for one in steps} == {"deferred"}
    assert len(cluster.of_kind("pods")) == len(cluster.of_kind("secrets")) == len(steps)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeselector": {"disk": "fast"}}, "spec.nodeselector: there is no such field"),
        ({"tolerations": [{"keyy": "spot"}]}, r"spec.tolerations\[0\].keyy: there is no such field"),
        ({"tolerations": {"key": "spot"}}, "spec.tolerations: a value of another kind"),
        ({"hostNetwork": "false"}, "spec.hostNetwork: a value of another kind"),
        ({"priority": "high"}, "it is not a pod: .*high"),
    ],
)
def test_a_template_with_a_mistake_is_told_when_the_dag_is_read(
    orchard: Orchard, cluster: Cluster, spec: dict[str, Any], said: str
) -> None:
    own_template(spec)

    with pytest.raises(AssertionError, match=said):
        orchard.declare("mistaken", ONE_LOAD)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"nodeselector": {}}, "'nodeselector' was unexpected"),
        ({"nodeSelector": "fast"}, "spec.nodeSelector: 'fast' is not of type 'object'"),
    ],
)
def test_the_cluster_of_these_tests_refuses_what_the_schema_does(spec: dict[str, Any], said: str) -> None:
    pod = {"metadata": {"name": "own"}, "spec": {"containers": [{"name": "base"}], **spec}}
    with running_cluster() as cluster:
        address = f"{cluster.url}/api/v1/namespaces/shop/pods"
        answer = requests.post(address, json=pod, timeout=10)

    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert cluster.objects == {}
