"""The pod that a step becomes, and the Secret that belongs to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kit.cluster import Cluster, running_cluster
from kit.home import DAGS
from kit.orchard import PASSWORD, Orchard, go_on, states

IMAGE = "registry.example/shop@sha256:" + "a" * 64
ONE_LOAD = (
    "deploy: none\ncheck: false\ngroups: {all: [bronze.orders, bronze.items, silver.sales]}\n"
    f"images: {{sqlmodel: '{IMAGE}'}}\n"
)


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


def begun(orchard: Orchard, dag_id: str, text: str = "") -> dict[str, str | None]:
    """The states of a DagRun after its pod was made, or refused."""
    dag = orchard.declare(dag_id, ONE_LOAD + text)
    run = orchard.begin(dag)
    go_on(dag, run, rounds=2)
    return states(run)


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
    own = DAGS / "pods"
    own.mkdir(exist_ok=True)
    template: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "own"},
        "spec": {"containers": [{"name": "base"}], "nodeSelector": {"disk": "fast"}},
    }
    (own / "default.yaml").write_text(json.dumps(template))
    settings = Path(DAGS / "datakit_airflow.toml")
    settings.write_text(settings.read_text() + 'templates = "pods"\n')
    begun(orchard, "templated")

    [pod] = cluster.of_kind("pods")
    assert pod["spec"]["nodeSelector"] == {"disk": "fast"}
