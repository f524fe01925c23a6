"""Containers of a test: started on a private network, asked, stopped, and gone at the end."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from .engine import ContainerError, Engine, Finished
from .images import Image, Images

__all__ = ["LABEL", "Container", "Containers", "Finished", "remove_all"]

# On everything that a test makes in an engine; its value is the test's own.
LABEL = "datakit-testing"

# Variables that engines read themselves, so that handing them on by the environment would change the engine.
_READ_BY_ENGINES = ("CONTAINER", "DOCKER_", "GO", "HOME", "PATH", "PODMAN_", "TMPDIR", "XDG_")
_LOGS_KEPT = 200_000  # characters


class Container:
    """A container that was started.

    Attributes:
        name: what others on the network call it.
        id: what the engine calls it.
        image: what it was started from.
    """

    def __init__(self, engine: Engine, identifier: str, name: str, image: Image) -> None:
        self._engine = engine
        self.id = identifier
        self.name = name
        self.image = image
        self.removed_at: float | None = None
        self._last_logs = ""

    def address(self, port: int) -> tuple[str, int]:
        """Host and port at which this process reaches a published port of the container."""
        host, _, published = self._engine.do("port", self.id, f"{port}/tcp").splitlines()[0].rpartition(":")
        return host, int(published)

    def output(self) -> tuple[str, str]:
        """What it has written so far: standard output and standard error."""
        ended = self._engine.try_to("logs", self.id)
        if ended.exit_code != 0:
            raise ContainerError(f"the logs of {self.name}: {ended.stderr.strip()}")
        return ended.stdout, ended.stderr

    def logs(self) -> str:
        """All that it has written so far, standard output first; also after its removal."""
        return self._last_logs if self.removed_at else "".join(self.output())

    def exec(self, *command: str, env: Mapping[str, str] | None = None, seconds: float = 60) -> Finished:
        """Runs a command inside, and returns how it ended."""
        options, secrets = _environment_options(env or {})
        return self._engine.try_to("exec", *options, self.id, *command, secrets=secrets, seconds=seconds)

    @property
    def running(self) -> bool:
        """Whether its program runs."""
        return self._state()["Running"] is True

    @property
    def ended(self) -> str | None:
        """How its program ended, with the last of what it wrote; None while it runs."""
        state = self._state()
        if state["Running"]:
            return None
        last = "\n".join(self.logs().splitlines()[-20:])
        return f"{self.name} ended with exit code {state['ExitCode']}; its last words:\n{last}"

    def _state(self) -> dict[str, object]:
        state: dict[str, object] = json.loads(
            self._engine.do("inspect", "--format", "{{json .State}}", self.id)
        )
        return state

    def signal(self, name: str) -> None:
        """Sends a signal, such as `TERM`, to its first process."""
        self._engine.do("kill", "--signal", name, self.id)

    def wait(self, seconds: float = 60) -> int:
        """Waits for the end of its program and returns the exit code.

        Raises:
            ContainerError: it still runs at the deadline; the text has its last words.
        """
        try:
            return int(self._engine.do("wait", self.id, seconds=seconds))
        except ContainerError as error:
            last = "\n".join(self.logs().splitlines()[-20:])
            raise ContainerError(f"{self.name} did not end: {error}; its last words:\n{last}") from error

    def stop(self, seconds: float = 30) -> int:
        """Asks it to end with its image's stop signal, waits, and returns the exit code.

        Raises:
            ContainerError: it still runs after `seconds`; it is left as it is.
        """
        self.signal(self.image.config.get("StopSignal") or "TERM")
        return self.wait(seconds)

    def start_again(self) -> None:
        """Starts it anew after it ended, with the same volumes; published ports change."""
        self._engine.do("start", self.id)

    def remove(self) -> None:
        """Ends it at once and removes it; what it wrote last stays readable."""
        if self.removed_at is None:
            self._last_logs = "".join(self.output())[-_LOGS_KEPT:]
            self._engine.do(*removal(self._engine), self.id)
            self.removed_at = time.monotonic()


def without_links_outside(path: Path, folder: Path) -> Path:
    """A path with the same content, fit for a container, where links out of a mounted folder lead nowhere.

    Args:
        path: a file or folder.
        folder: where a copy is made, if one is needed.
    """
    real = path.resolve()
    links = (entry for entry in real.rglob("*") if entry.is_symlink())
    if not real.is_dir() or all(link.resolve().is_relative_to(real) for link in links):
        return real
    copy = folder / "mounts" / uuid4().hex
    shutil.copytree(real, copy)
    copy.chmod(real.stat().st_mode | 0o555)
    return copy


def removal(engine: Engine) -> list[str]:
    """The command that ends and removes containers at once."""
    # podman asks them to end first, unless told that there is no time.
    return ["rm", "--force", "--volumes", *(["--time=0"] if engine.is_podman else [])]


def _environment_options(env: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Options that set variables, and the variables that they are taken from: values stay out of argv."""
    options: list[str] = []
    by_environment: dict[str, str] = {}
    for name, value in env.items():
        if name.startswith(_READ_BY_ENGINES):
            options += ["--env", f"{name}={value}"]
        else:
            options += ["--env", name]
            by_environment[name] = value
    return options, by_environment


@dataclass
class Containers:
    """Starts containers on a network of their own, where they find each other by name.

    Attributes:
        engine: what runs them.
        images: what can be started.
        owner: the value of the label on all that is made.
        network: the network's name.
        started: all containers so far, removed ones too.
    """

    engine: Engine
    images: Images
    owner: str
    network: str = field(default_factory=lambda: f"datakit-{uuid4().hex[:12]}")
    started: list[Container] = field(default_factory=list)
    _volumes: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Containers:
        self.engine.do("network", "create", "--label", f"{LABEL}={self.owner}", self.network)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(
        self,
        image: str | Image,
        *command: str,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        ports: Iterable[int] = (),
        mounts: Mapping[str, Path] | None = None,
        writable_mounts: Mapping[str, Path] | None = None,
        volumes: Mapping[str, str] | None = None,
        tmpfs: Iterable[str] = ("/tmp",),  # noqa: S108 (inside the container)
        read_only: bool = True,
        entrypoint: str | None = None,
        user: str | None = None,
        options: Iterable[str] = (),
    ) -> Container:
        """Starts a container and returns at once; whether it is ready, ask the service itself.

        It has no capabilities, and cannot get any.

        Args:
            image: an image, or the name of one of this test's.
            *command: arguments of its entry point; default: the image's own.
            name: what others on the network call it; default: a new name.
            env: variables; their values do not appear in any argv.
            ports: TCP ports to publish, on 127.0.0.1 and a free port each: see `Container.address`.
            mounts: path inside to a file or folder of this machine, to be read. A folder with links that lead
                out of it, which is how Bazel hands files to tests, is copied, with the files that they mean.
            writable_mounts: likewise, to be written, and never copied; the image's user needs the right to.
            volumes: path inside to the name of a volume, which lives as long as this object.
            tmpfs: paths of empty folders in memory, writable for all.
            read_only: whether the image's own files cannot be changed.
            entrypoint: a program instead of the image's.
            user: `UID` or `UID:GID` instead of the image's.
            options: more options of `run`, such as `--cap-add=SYS_PTRACE`.

        Raises:
            ContainerError: the image is not there, or the engine did not start it.
        """
        found = self.images[image] if isinstance(image, str) else image
        name = name or f"container-{len(self.started) + 1}"
        arguments = ["run", "--detach", "--pull=never", f"--label={LABEL}={self.owner}"]
        arguments += [f"--network={self.network}", f"--network-alias={name}", f"--hostname={name}"]
        full_name = f"{self.network}-{name}-{uuid4().hex[:6]}"
        arguments += [f"--name={full_name}", "--cap-drop=all", "--security-opt=no-new-privileges"]
        if read_only:
            arguments.append("--read-only")
            if self.engine.is_podman:
                arguments.append("--read-only-tmpfs=false")  # Docker has no such folders either
        arguments += [f"--tmpfs={path}:rw,mode=1777" for path in tmpfs]
        arguments += [f"--publish=127.0.0.1::{port}/tcp" for port in ports]
        for inside, path in (mounts or {}).items():
            source = without_links_outside(path, self.images.folder)
            arguments.append(f"--mount=type=bind,source={source},target={inside},readonly")
        for inside, path in (writable_mounts or {}).items():
            arguments.append(f"--mount=type=bind,source={path.resolve()},target={inside}")
        for inside, volume in (volumes or {}).items():
            arguments.append(f"--mount=type=volume,source={self._volume(volume)},target={inside}")
        if entrypoint is not None:
            arguments.append(f"--entrypoint={entrypoint}")
        if user is not None:
            arguments.append(f"--user={user}")
        variables, secrets = _environment_options(env or {})
        arguments += [*variables, *options, self.images.load(found), *command]
        try:
            identifier = self.engine.do(*arguments, secrets=secrets).splitlines()[-1]
        except ContainerError:
            self.engine.try_to(
                *removal(self.engine), full_name
            )  # it may have been made before it did not start
            raise
        container = Container(self.engine, identifier, name, found)
        self.started.append(container)
        return container

    def run(
        self,
        image: str | Image,
        *command: str,
        seconds: float = 60,
        name: str | None = None,
        env: Mapping[str, str] | None = None,
        mounts: Mapping[str, Path] | None = None,
        writable_mounts: Mapping[str, Path] | None = None,
        volumes: Mapping[str, str] | None = None,
        tmpfs: Iterable[str] = ("/tmp",),  # noqa: S108 (inside the container)
        read_only: bool = True,
        entrypoint: str | None = None,
        user: str | None = None,
        options: Iterable[str] = (),
    ) -> Finished:
        """Starts a container, waits for its end, removes it, and returns how it ended.

        Args:
            image: as in `start`, like all that is not said here.
            *command: as in `start`.
            seconds: the deadline.
            name: as in `start`.
            env: as in `start`.
            mounts: as in `start`.
            writable_mounts: as in `start`.
            volumes: as in `start`.
            tmpfs: as in `start`.
            read_only: as in `start`.
            entrypoint: as in `start`.
            user: as in `start`.
            options: as in `start`.

        Raises:
            ContainerError: it could not be started, or still ran at the deadline.
        """
        container = self.start(
            image,
            *command,
            name=name,
            env=env,
            mounts=mounts,
            writable_mounts=writable_mounts,
            volumes=volumes,
            tmpfs=tmpfs,
            read_only=read_only,
            entrypoint=entrypoint,
            user=user,
            options=options,
        )
        try:
            exit_code = container.wait(seconds)
            return Finished(exit_code, *container.output())
        finally:
            container.remove()

    def _volume(self, name: str) -> str:
        if name not in self._volumes:
            full = f"{self.network}-{name}"
            self.engine.do("volume", "create", "--label", f"{LABEL}={self.owner}", full)
            self._volumes[name] = full
        return self._volumes[name]

    def what_they_said(self, since: float, *, lines: int = 100) -> list[tuple[str, str]]:
        """Name and last lines of each container that was there after a time of `time.monotonic`."""
        said = []
        for container in self.started:
            if container.removed_at is not None and container.removed_at < since:
                continue
            try:
                text = container.logs()
            except ContainerError as error:
                text = str(error)
            said.append((container.name, "\n".join(text.splitlines()[-lines:])))
        return said

    def close(self) -> None:
        """Removes containers, volumes and the network; all of them, whatever goes wrong with one.

        Raises:
            ContainerError: something could not be removed.
        """
        failures = []
        for container in self.started:
            try:
                container.remove()
            except ContainerError as error:
                failures.append(str(error))
        for command in [["volume", "rm", volume] for volume in self._volumes.values()] + [
            ["network", "rm", self.network]
        ]:
            try:
                self.engine.do(*command)
            except ContainerError as error:
                failures.append(str(error))
        self._volumes.clear()
        if failures:
            raise ContainerError("\n".join(failures))


def remove_all(engine: Engine, owner: str) -> None:
    """Removes from a shared engine what a test made and did not remove itself."""
    label = f"label={LABEL}={owner}"
    for listing, command in (
        (["ps", "--all", "--quiet", "--filter", label], removal(engine)),
        (["volume", "ls", "--quiet", "--filter", label], ["volume", "rm", "--force"]),
        (["network", "ls", "--quiet", "--filter", label], ["network", "rm"]),
    ):
        try:
            for name in engine.do(*listing).split():
                engine.do(*command, name)
        except ContainerError as error:
            sys.stderr.write(f"left behind: {error}\n")
    _remove_images(engine, owner)


def _remove_images(engine: Engine, owner: str) -> None:
    """Removes what a test called its images; one that somebody else runs stays theirs."""
    lose_name = ["untag"] if engine.is_podman else ["image", "rm", "--force"]
    try:
        for name in engine.do("image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split():
            if f"/{owner}:" in name and engine.try_to("image", "rm", name).exit_code != 0:
                engine.do(*lose_name, name)
    except ContainerError as error:
        sys.stderr.write(f"left behind: {error}\n")
