"""Containers of a real image: started, asked, stopped."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from datakit_testing import ContainerError, Containers, NotReadyError, wait_until

WEB = ("-m", "http.server", "8000", "--directory", "/srv")
STATUS = "import json, urllib.request as u; print(u.urlopen('http://%s:8000/', timeout=2).status)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_text("hello")
    (tmp_path / "index.html").chmod(0o644)
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o755)
    return tmp_path


def python(containers: Containers, code: str, **options: object) -> str:
    """What a program printed that has to succeed."""
    ended = containers.run("python", "-c", code, **options)  # type: ignore[arg-type]
    assert ended.exit_code == 0, ended.stderr
    return ended.stdout.strip()


def test_exit_code_and_both_streams_arrive(containers: Containers) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(65)"
    ended = containers.run("python", "-c", code)
    assert (ended.exit_code, ended.stdout, ended.stderr) == (65, "out\n", "err\n")


def test_it_is_nobody_without_capabilities_who_cannot_write(containers: Containers) -> None:
    code = """
import json, os
status = dict(line.split(':', 1) for line in open('/proc/self/status'))
def can_write(path):
    try:
        open(path, 'w').close()
    except OSError:
        return False
    return True
print(json.dumps([os.getuid(), os.getgid(), int(status['CapEff'], 16), int(status['CapBnd'], 16),
    status['NoNewPrivs'].strip(),
    [p for p in ['/x', '/home/datakit/x', '/run/x', '/var/tmp/x', '/tmp/x'] if can_write(p)]]))
"""
    assert json.loads(python(containers, code)) == [10001, 10001, 0, 0, "1", ["/tmp/x"]]


def test_variables_arrive_and_are_in_no_argv(containers: Containers) -> None:
    code = "import os, time; print(os.environ['SECRET'], os.environ['HOME'], flush=True); time.sleep(600)"
    container = containers.start("python", "-c", code, env={"SECRET": 'a "b"\nc', "HOME": "/tmp"})
    try:
        wait_until("it printed", lambda: container.logs() == 'a "b"\nc /tmp\n')
        command_lines = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline")]
        assert any(b"time.sleep(600)" in line for line in command_lines)
        assert not any(b'a "b"' in line for line in command_lines)
    finally:
        container.remove()


def test_containers_find_each_other_by_name_and_we_find_them_by_port(
    containers: Containers, site: Path
) -> None:
    web = containers.start("python", *WEB, name="web", mounts={"/srv": site}, ports=[8000])
    try:
        host, port = web.address(8000)
        assert host == "127.0.0.1"
        url = f"http://{host}:{port}/"
        wait_until("it answers", lambda: urllib.request.urlopen(url, timeout=2).status == 200)
        assert python(containers, STATUS % "web") == "200"
        assert web.exec("python3", "-c", "import sys; print(2); sys.exit(3)").exit_code == 3
        with pytest.raises(ContainerError, match="port"):
            web.address(8001)
    finally:
        web.remove()
    assert "GET / HTTP" in web.logs(), "the logs outlive the container"


def test_networks_are_apart(containers: Containers, site: Path) -> None:
    with Containers(containers.engine, containers.images, containers.owner) as others:
        web = others.start("python", *WEB, name="apart", mounts={"/srv": site}, ports=[8000])
        host, port = web.address(8000)
        url = f"http://{host}:{port}/"
        wait_until("it answers", lambda: urllib.request.urlopen(url, timeout=2).status == 200)
        assert python(others, STATUS % "apart") == "200"
        ended = containers.run("python", "-c", STATUS % "apart")
        assert ended.exit_code == 1
        assert "Name or service not known" in ended.stderr or "name resolution" in ended.stderr


def test_a_volume_lives_longer_than_its_container(containers: Containers) -> None:
    volumes = {"/tmp": "kept"}
    python(containers, "open('/tmp/x', 'w').write('kept')", volumes=volumes, tmpfs=())
    assert python(containers, "print(open('/tmp/x').read())", volumes=volumes, tmpfs=()) == "kept"


def test_a_mount_can_be_read_and_only_a_writable_one_written(containers: Containers, site: Path) -> None:
    code = "print(open('/in/index.html').read()); open('/in/y', 'w')"
    ended = containers.run("python", "-c", code, mounts={"/in": site})
    assert ended.exit_code == 1
    assert ended.stdout == "hello\n"
    assert "Read-only file system" in ended.stderr
    site.chmod(0o777)
    assert python(containers, "open('/out/y', 'w').write('z')", writable_mounts={"/out": site}) == ""
    assert (site / "y").read_text() == "z"


def test_sigterm_reaches_the_program(containers: Containers) -> None:
    code = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
print('ready', flush=True)
time.sleep(600)
"""
    container = containers.start("python", "-c", code)
    try:
        wait_until("it is ready", lambda: "ready" in container.logs())
        running = [container.running]
        assert container.stop() == 143
        running.append(container.running)
        assert running == [True, False]
        container.start_again()
        wait_until("it is ready again", lambda: container.logs().count("ready") == 2)
        with pytest.raises(ContainerError, match=r"(?s)did not end: .*still running after 1 s; .*ready"):
            container.wait(seconds=1)
    finally:
        container.remove()


def test_what_ends_too_early_says_its_last_words(containers: Containers) -> None:
    container = containers.start("python", "-c", "raise SystemExit('no such setting')")
    try:
        with pytest.raises(
            NotReadyError, match=r"(?s)it answers: not any more .*exit code 1.*no such setting"
        ):
            wait_until("it answers", lambda: False, still_possible=lambda: container.ended)
    finally:
        container.remove()


def test_an_unknown_image_is_named_with_those_that_are_there(containers: Containers) -> None:
    with pytest.raises(ContainerError, match=r"no image 'perl' among the images of this test \(python\)"):
        containers.start("perl")


def test_a_program_that_is_not_there_is_said(containers: Containers) -> None:
    with pytest.raises(ContainerError, match="/usr/bin/perl"):
        containers.start("python", entrypoint="/usr/bin/perl")


def test_the_loaded_image_is_the_built_one(containers: Containers) -> None:
    image = containers.images["python"]
    loaded = json.loads(containers.engine.do("image", "inspect", containers.images.load(image)))[0]
    assert loaded["Id"].removeprefix("sha256:") == image.id
    if containers.engine.private:
        assert loaded["Digest"] == image.digest


def test_what_podman_remembers_is_forgotten_with_the_test(containers: Containers) -> None:
    containers.images.load(containers.images["python"])
    if containers.engine.private:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
        kinds = {place: kind for _, place, kind, *_ in mounts}
        assert {kinds.get(place) for place in ("/run", "/dev/shm", "/var/lib/containers")} == {"tmpfs"}
        assert list(Path("/var/lib/containers").iterdir()), "it is there that podman remembers"


def test_closing_removes_all(containers: Containers) -> None:
    with Containers(containers.engine, containers.images, containers.owner) as others:
        others.start("python", "-c", "import time; time.sleep(600)", volumes={"/data": "one"})
        assert others.network in containers.engine.do("network", "ls")
    for listing in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
        assert others.network not in containers.engine.do(*listing)
