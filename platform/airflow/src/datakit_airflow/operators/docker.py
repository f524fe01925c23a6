"""A step in a container of its own, started through Docker's interface, by digest."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from docker.errors import (  # type: ignore[import-untyped]
    APIError,
    DockerException,
    ImageNotFound,
    NotFound,
)
from docker.types import Mount  # type: ignore[import-untyped]

from ..environment import DockerSettings
from ..outcome import read_report
from ..progress import log_line
from ..secrets import SPEC_FILE, handed_over
from .output import Lines
from .step import CONTAINER_FOLDER, Prepared, StepCore, Work

__all__ = ["DatakitDockerOperator"]

_RUN_LABEL = "datakit.run_id"


class DatakitDockerOperator(StepCore, DockerOperator):
    """Runs a runner's image: read-only, without capabilities, and gone when it is done.

    Args:
        work: what is to be done.
        settings: where containers run.
        folder: where files for the step are written; the daemon has to see it at the same path.
        stop_grace: how many seconds a step may take to stop in order.
    """

    ui_color = "#d7e6f5"
    # Which image, which files and which variables it gets is known only when it runs.
    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        work: Work,
        settings: DockerSettings | None = None,
        folder: Path | None = None,
        stop_grace: float = 30.0,
        **kwargs: Any,
    ) -> None:
        settings = DockerSettings() if settings is None else settings
        super().__init__(
            image="",
            docker_url=settings.url,
            api_version=settings.api_version,
            docker_conn_id=settings.registry,
            network_mode=settings.network,
            mem_limit=settings.memory,
            extra_hosts=dict(settings.extra_hosts) or None,
            environment=dict(settings.environment),
            mount_tmp_dir=False,
            auto_remove="force",
            **kwargs,
        )
        self.work = work
        self.settings = settings
        self.folder = folder
        self.stop_grace = stop_grace
        self._killer: threading.Timer | None = None

    def execute(self, context: Any) -> Any:
        """Carry the step out; returns its report."""
        with handed_over(self.folder, shared=True) as files:
            prepared = self.prepare(context, CONTAINER_FOLDER, image_needed=True)
            for name, text in prepared.files.items():
                files.put(name, text)
            assert prepared.image is not None
            self.image = prepared.image
            try:
                self._fetch()
                self._stop_left_over(prepared)
                output, exit_code = self._contain(prepared, files.folder)
            except DockerException as error:
                raise AirflowException(f"the container of {self.image} could not be run: {error}") from None
        return self.finish(context, prepared.spec, read_report(output), exit_code)

    def on_kill(self) -> None:
        """Ask the step to stop; its report is still read. After its time it is killed."""
        if not self.container:
            return
        container = self.container["Id"]
        # First the limit, then the request: a step that ends at once finds the limit, and takes it away.
        if self._killer is None:
            self._killer = threading.Timer(self.stop_grace, self._kill, [container])
            self._killer.daemon = True
            self._killer.start()
        self.cli.kill(container, signal="SIGTERM")

    def _kill(self, container: str) -> None:
        with suppress(DockerException, OSError):  # it may have ended by now
            self.cli.kill(container)

    def _fetch(self) -> None:
        try:
            self.cli.inspect_image(self.image)
            return
        except ImageNotFound:
            if not self.settings.pull:
                raise AirflowFailException(
                    f"the image {self.image} is not there, and docker.pull is off: load it"
                ) from None
        self.log.info("Fetching %s", self.image)
        try:
            for told in self.cli.pull(self.image, stream=True, decode=True):
                if "error" in told:
                    raise AirflowException(f"the image {self.image} cannot be fetched: {told['error']}")
        except NotFound as error:
            raise AirflowFailException(
                f"there is no image {self.image}: {error.explanation}; look where it was published"
            ) from None

    def _stop_left_over(self, prepared: Prepared) -> None:
        """End what an earlier try of this run left behind, because its task was killed."""
        label = f"{_RUN_LABEL}={prepared.spec.run_id}"
        for left in self.cli.containers(all=True, filters={"label": label}):
            self.log.warning("Ending the container %s, which an earlier try left behind", left["Id"][:12])
            try:
                self.cli.stop(left["Id"], timeout=int(self.stop_grace))
                self.cli.remove_container(left["Id"], force=True)
            except NotFound:
                continue

    def _contain(self, prepared: Prepared, folder: Path) -> tuple[str | None, int]:
        self.container = self.cli.create_container(
            image=self.image,
            command=["run", "--spec", str(CONTAINER_FOLDER / SPEC_FILE)],
            environment=self.environment,
            labels=self._labels(prepared),
            host_config=self.cli.create_host_config(
                mounts=[Mount(str(CONTAINER_FOLDER), str(folder.absolute()), type="bind", read_only=True)],
                read_only=True,
                tmpfs={"/tmp": "rw,nosuid,nodev,mode=1777"},  # noqa: S108
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                network_mode=self.network_mode,
                extra_hosts=self.extra_hosts,
                mem_limit=self.mem_limit,
            ),
        )
        container = self.container["Id"]
        self.log.info("Container %s of %s", container[:12], self.image)
        try:
            return self._follow(container)
        finally:
            if self._killer is not None:
                self._killer.cancel()
            self._remove(container)

    def _follow(self, container: str) -> tuple[str | None, int]:
        output, logs = Lines(), Lines(lambda line: log_line(self.log, line))
        stream = self.cli.attach(container, stdout=True, stderr=True, stream=True, demux=True)
        try:
            self.cli.start(container)
            for out, err in stream:
                output.feed(out or b"")
                logs.feed(err or b"")
        finally:
            # The stream's own way to close leaves a reference to the socket with the response.
            stream._response.close()
        output.end()
        logs.end()
        exit_code = int(self.cli.wait(container)["StatusCode"])
        if output.last is None:
            # The stream can break off when the daemon is restarted; what was said is still there.
            output.feed(self.cli.logs(container, stdout=True, stderr=False, tail=1))
            output.end()
        return output.last, exit_code

    def _remove(self, container: str) -> None:
        try:
            # It still runs only when its task does not, such as after the task's timeout.
            self.cli.stop(container, timeout=int(self.stop_grace))
            self.cli.remove_container(container, force=True, v=True)
        except NotFound:
            pass
        except APIError as error:
            self.log.warning("The container %s was not removed: %s", container[:12], error)
        finally:
            self.container = {}

    def _labels(self, prepared: Prepared) -> Mapping[str, str]:
        return {
            _RUN_LABEL: str(prepared.spec.run_id),
            "datakit.dag_id": self.dag_id,
            "datakit.task_id": self.task_id,
        }
