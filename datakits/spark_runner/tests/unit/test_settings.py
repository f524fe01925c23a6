"""Which settings Spark gets, for each kind of master."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from spark_runner import settings as module
from spark_runner.parameters import SparkParameters
from spark_runner.settings import REDACTED, Master, find_master, spark_settings
from sqlmodel_framework.errors import TerminalError

FOLDER = Path("/tmp/spark-x")
LOCAL = Master("local[*]", "local")
CLUSTER = Master("spark://m:7077", "spark", (("m", 7077),))
KUBERNETES = Master("k8s://https://api:6443", "k8s", (("api", 6443),))


def of(master: Master, conf: dict[str, Any] | None = None, **more: Any) -> dict[str, str]:
    parameters = SparkParameters(conf=conf or {})
    return spark_settings(master, parameters, name="flights extract", folder=FOLDER, **more)


@pytest.mark.parametrize(
    ("url", "kind", "places"),
    [
        ("local", "local", ()),
        ("local[4]", "local", ()),
        ("local[*]", "local", ()),
        ("local[2,3]", "local", ()),
        ("spark://m:7077", "spark", (("m", 7077),)),
        ("spark://m", "spark", (("m", 7077),)),
        ("spark://a:1,b:2", "spark", (("a", 1), ("b", 2))),
        ("spark://[::1]:7077", "spark", (("::1", 7077),)),
        ("k8s://https://api.example:6443", "k8s", (("api.example", 6443),)),
        ("k8s://https://api.example", "k8s", (("api.example", 443),)),
        ("k8s://http://127.0.0.1:8001", "k8s", (("127.0.0.1", 8001),)),
        ("k8s://api.example:6443", "k8s", (("api.example", 6443),)),
    ],
)
def test_a_master_is_known_by_its_url(url: str, kind: str, places: tuple[tuple[str, int], ...]) -> None:
    assert find_master(SparkParameters(master=url), {}) == Master(url, kind, places)


@pytest.mark.parametrize(
    "url",
    ["yarn", "mesos://m:5050", "local[0]", "local[", "spark:/m:7077", "spark://m:x", "spark://m:0", "spark://",
     "k8s://ftp://m", "k8s://"],
)  # fmt: skip
def test_another_master_is_refused_with_those_that_there_are(url: str) -> None:
    with pytest.raises(TerminalError, match=re.escape(repr(url))) as caught:
        find_master(SparkParameters(master=url), {})
    assert "spark://HOST:PORT" in (caught.value.hint or "")


def test_the_parameter_comes_before_the_variable_and_that_before_the_default() -> None:
    variable = {"SPARK_MASTER_URL": "spark://m:1"}
    assert find_master(SparkParameters(master="local[1]"), variable).url == "local[1]"
    assert find_master(SparkParameters(), variable).url == "spark://m:1"
    assert find_master(SparkParameters(), {}).url == "local[*]"


def test_on_one_machine_nothing_listens_to_a_network() -> None:
    settings = of(LOCAL)
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings["spark.ui.enabled"] == "false"
    assert settings["spark.master"] == "local[*]"


def test_on_a_cluster_executors_come_back_to_the_drivers_own_address() -> None:
    assert of(CLUSTER, address="10.1.2.3")["spark.driver.host"] == "10.1.2.3"


def test_time_is_utc_everywhere_whatever_else_java_is_told() -> None:
    more = {"spark.driver.defaultJavaOptions": "-Da=1", "spark.executor.defaultJavaOptions": "-Db=2"}
    settings = of(CLUSTER, more)
    assert settings["spark.sql.session.timeZone"] == "UTC"
    for who, option in (("driver", "-Da=1"), ("executor", "-Db=2")):
        options = settings[f"spark.{who}.defaultJavaOptions"].split()
        assert "-Duser.timezone=UTC" in options
        assert option in options


def test_temporary_files_are_where_they_may_be() -> None:
    assert f"-Djava.io.tmpdir={FOLDER}" in of(LOCAL)["spark.driver.defaultJavaOptions"].split()
    assert Path(of(LOCAL)["spark.sql.warehouse.dir"]).is_relative_to(FOLDER)


def test_what_is_asked_for_wins() -> None:
    settings = of(LOCAL, {"spark.ui.enabled": True, "spark.executor.cores": 2, "spark.memory.fraction": 0.5})
    assert settings["spark.ui.enabled"] == "true"
    assert settings["spark.executor.cores"] == "2"
    assert settings["spark.memory.fraction"] == "0.5"


@pytest.mark.parametrize(
    "key", ["spark.master", "spark.submit.deployMode", "spark.sql.session.timeZone", "executor.memory"]
)
def test_what_is_not_for_conf_is_refused(key: str) -> None:
    with pytest.raises(TerminalError, match=key):
        of(LOCAL, {key: "x"})


@pytest.mark.parametrize(
    "name",
    ["password", "spark.hadoop.fs.s3a.secret.key", "SSLPASSWORD", "fs.s3a.access.key", "a.token", "passwd"],
)
def test_names_that_speak_of_secrets_are_redacted(name: str) -> None:
    assert re.search(REDACTED, name)
    assert not re.search(REDACTED, "spark.executor.memory")


def test_kubernetes_needs_the_image_of_the_executors() -> None:
    with pytest.raises(TerminalError, match="image of the executors"):
        of(KUBERNETES)
    image = "spark.kubernetes.container.image"
    assert of(KUBERNETES, environment={"SPARK_EXECUTOR_IMAGE": "spark@sha256:1"})[image] == "spark@sha256:1"
    given = of(KUBERNETES, {image: "mine"}, environment={"SPARK_EXECUTOR_IMAGE": "spark@sha256:1"})
    assert given[image] == "mine"


def test_in_a_pod_the_executors_belong_to_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "namespace").write_text("data\n")
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    environment = {"SPARK_EXECUTOR_IMAGE": "i", "HOSTNAME": "run-7"}
    settings = of(KUBERNETES, address="10.0.0.9", environment=environment)
    assert settings["spark.kubernetes.namespace"] == "data"
    assert settings["spark.kubernetes.driver.pod.name"] == "run-7"
    assert settings["spark.driver.host"] == "10.0.0.9"
    assert settings["spark.kubernetes.executor.volumes.emptyDir.tmp.mount.path"] == "/tmp"


def test_outside_of_a_pod_there_is_no_pod_to_belong_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SERVICE_ACCOUNT", tmp_path)
    settings = of(KUBERNETES, environment={"SPARK_EXECUTOR_IMAGE": "i", "HOSTNAME": "laptop"})
    assert "spark.kubernetes.driver.pod.name" not in settings
