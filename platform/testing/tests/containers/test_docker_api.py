"""A program that starts containers itself, by digest, beside those of the test."""

from __future__ import annotations

from typing import Any

import docker  # type: ignore[import-untyped]
import pytest
from datakit_testing import Containers, DockerApi
from docker.errors import ImageNotFound  # type: ignore[import-untyped]


def client(api: DockerApi) -> Any:
    return docker.APIClient(api.url, version=api.version)


def started(api: DockerApi, code: str) -> tuple[Any, str]:
    """A client, and the container that it started."""
    of_program = client(api)
    made = of_program.create_container(
        image=api.reference("python"),
        command=["-c", code],
        host_config=of_program.create_host_config(network_mode=api.network, read_only=True),
    )
    of_program.start(made["Id"])
    return of_program, made["Id"]


def test_an_image_is_found_by_the_digest_that_the_build_gave_it(
    containers: Containers, docker_api: DockerApi
) -> None:
    image = containers.images["python"]
    of_program, container = started(docker_api, "print('started')")

    assert docker_api.reference("python").endswith(f"@{image.digest}")
    assert of_program.wait(container)["StatusCode"] == 0
    assert of_program.logs(container) == b"started\n"
    assert of_program.inspect_container(container)["Image"].removeprefix("sha256:") == image.id


def test_no_other_digest_is_found(docker_api: DockerApi) -> None:
    name = docker_api.reference("python").partition("@")[0]
    with pytest.raises(ImageNotFound):
        client(docker_api).inspect_image(f"{name}@sha256:{'0' * 64}")


def test_it_reaches_the_tests_containers_by_name(containers: Containers, docker_api: DockerApi) -> None:
    other = containers.start("python", "-c", "import time; time.sleep(600)", name="other")
    try:
        of_program, container = started(docker_api, "import socket; print(socket.gethostbyname('other'))")
        assert of_program.wait(container)["StatusCode"] == 0, of_program.logs(container)
    finally:
        other.remove()


def test_what_a_program_started_is_gone_at_the_end(containers: Containers) -> None:
    with DockerApi(containers) as api:
        _, container = started(api, "import time; time.sleep(600)")
        assert api.started() == [container]

    assert api.started() == []
    assert containers.engine.try_to("container", "exists", container).exit_code != 0
