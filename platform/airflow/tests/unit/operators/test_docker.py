"""What a step's task asks of a Docker daemon, and what it makes of the answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from kit.daemon import Daemon, running_daemon
from kit.home import DAGS
from kit.orchard import PASSWORD, Orchard, clear, go_on, instance, states, xcom

OLD = "registry.example/shop@sha256:" + "a" * 64
NEW = "registry.example/shop@sha256:" + "b" * 64
ONE_LOAD = "deploy: none\ncheck: false\ngroups: {all: [bronze.orders, bronze.items, silver.sales]}\n"


@pytest.fixture
def daemon(orchard: Orchard) -> Iterator[Daemon]:
    with running_daemon(orchard.folder) as found:
        found.registry |= {OLD, NEW}
        (DAGS / "datakit_airflow.toml").write_text(
            'execution = "docker"\nproduction = true\nsecrets_folder = "secrets"\nstop_grace = 5\n'
            f'[docker]\nurl = "{found.url}"\napi_version = "1.41"\nnetwork = "shop"\n'
        )
        yield found


def text(image: str) -> str:
    return f"{ONE_LOAD}images: {{sqlmodel: '{image}'}}\n"


def test_a_step_runs_by_digest_and_locked_down(orchard: Orchard, daemon: Daemon) -> None:
    run = orchard.declare("locked", text(OLD)).test()

    [created] = daemon.created
    host = created["HostConfig"]
    assert created["Image"] == OLD
    assert created["Cmd"] == ["run", "--spec", "/run/secrets/datakit/spec.json"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["NetworkMode"] == "shop"
    assert list(host["Tmpfs"]) == ["/tmp"]
    [mount] = host["Mounts"]
    assert (mount["Target"], mount["ReadOnly"]) == ("/run/secrets/datakit", True)
    assert set(states(run).values()) == {"success"}
    assert xcom(run, "all")["image_digest"] == "sha256:" + "a" * 64


def test_the_password_reaches_the_step_as_a_file_and_the_daemon_not_at_all(
    orchard: Orchard, daemon: Daemon
) -> None:
    orchard.declare("private", text(OLD)).test()

    assert (orchard.folder / "password").read_text() == PASSWORD
    assert PASSWORD not in str(daemon.created)
    assert list((DAGS / "secrets").iterdir()) == []


def test_a_container_is_gone_also_after_a_failure(orchard: Orchard, daemon: Daemon) -> None:
    orchard.behave(load=["break_contract"])
    run = orchard.declare("gone", text(OLD)).test()

    assert states(run)["all"] == "failed"
    assert daemon.containers == {}


def test_an_old_dag_run_repeats_with_its_own_images(orchard: Orchard, daemon: Daemon) -> None:
    run = orchard.declare("moved", text(OLD)).test()
    moved_on = orchard.declare("moved", text(NEW))
    clear(run)
    go_on(moved_on, run)
    again = orchard.begin(moved_on)
    go_on(moved_on, again)

    assert [one["Image"] for one in daemon.created] == [OLD, OLD, NEW]
    first, repeated, newest = orchard.asked()
    assert first["run_id"] != repeated["run_id"]
    assert first["image_digest"] == repeated["image_digest"] != newest["image_digest"]


def test_an_image_that_is_nowhere_is_not_tried_again(orchard: Orchard, daemon: Daemon) -> None:
    daemon.registry.clear()
    run = orchard.declare("nowhere", text(OLD)).test()

    assert states(run)["all"] == "failed"
    assert instance(run, "all").try_number == 1


def test_a_daemon_that_does_not_answer_is_tried_again(orchard: Orchard, daemon: Daemon) -> None:
    settings = DAGS / "datakit_airflow.toml"
    settings.write_text(
        settings.read_text().replace(daemon.url, f"unix://{daemon.socket.with_name('nowhere')}")
    )
    run = orchard.declare("silent", text(OLD) + "retries: 1\n").test()

    assert states(run)["all"] == "failed"
    assert instance(run, "all").try_number == 2


def test_a_killed_task_stops_its_container_and_reads_its_report(orchard: Orchard, daemon: Daemon) -> None:
    orchard.behave(load=["wait"])
    dag = orchard.declare("killed", text(OLD) + "retries: 0\n")
    task: Any = dag.task_dict["all"]

    def kill_when_it_waits() -> None:
        deadline = time.monotonic() + 60
        while not (orchard.folder / "waiting").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        # Airflow runs a copy of the task, whose container has to be found.
        [container] = daemon.containers.values()
        assert container.process is not None
        task.container = {"Id": container.id}
        task.on_kill()

    killer = threading.Thread(target=kill_when_it_waits)
    killer.start()
    run = orchard.begin(dag)
    go_on(dag, run)
    killer.join()

    assert states(run)["all"] == "failed"
    assert xcom(run, "all")["status"] == "stopped"
    assert daemon.containers == {}


def test_what_an_earlier_try_left_behind_is_ended_first(orchard: Orchard, daemon: Daemon) -> None:
    orchard.behave(load=["outage"])
    dag = orchard.declare("left", text(OLD) + "retries: 1\n")
    run = orchard.begin(dag)
    go_on(dag, run, rounds=2)
    [spec] = orchard.asked()
    from kit.daemon import Container

    label = {"datakit.run_id": spec["run_id"]}
    daemon.containers["f" * 64] = Container("f" * 64, {"Labels": label})
    go_on(dag, run)

    assert daemon.containers == {}
    assert states(run)["all"] == "success"
