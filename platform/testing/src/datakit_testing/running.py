"""Running a runner image as an orchestrator does, by the run contract: a specification in, a report out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from .containers import Containers
from .images import Image

__all__ = ["RunImage", "RunResult", "run_image"]

# Where the specification lies inside the container.
SPEC_PATH = "/run/datakit/spec.json"


class RunResult(NamedTuple):
    """How a run ended.

    Attributes:
        exit_code: as the run contract has it.
        stdout: all of standard output.
        report: the JSON object in the last line of standard output; None when there is none.
        logs: all of standard error.
    """

    exit_code: int
    stdout: str
    report: dict[str, Any] | None
    logs: str


class RunImage(Protocol):
    """The fixture `run_image`: `run_image` below, but for its first argument."""

    def __call__(
        self,
        image: str | Image,
        *arguments: str,
        spec: Mapping[str, Any] | str | None = None,
        env: Mapping[str, str] | None = None,
        mounts: Mapping[str, Path] | None = None,
        writable_mounts: Mapping[str, Path] | None = None,
        read_only: bool = True,
        user: str | None = None,
        seconds: float = 300,
    ) -> RunResult:
        """Runs an image to its end."""


def run_image(
    containers: Containers,
    image: str | Image,
    *arguments: str,
    spec: Mapping[str, Any] | str | None = None,
    env: Mapping[str, str] | None = None,
    mounts: Mapping[str, Path] | None = None,
    writable_mounts: Mapping[str, Path] | None = None,
    read_only: bool = True,
    user: str | None = None,
    seconds: float = 300,
) -> RunResult:
    """Runs an image to its end.

    Args:
        containers: where it runs.
        image: an image, or the name of one of this test's.
        *arguments: of its entry point; default: `run` when there is a specification.
        spec: the run's specification, an object that becomes JSON, or text as it is; it is mounted, and
            `--spec PATH` follows the arguments.
        env: variables.
        mounts: path inside to a file or folder of this machine, to be read.
        writable_mounts: likewise, to be written; the image's user needs the right to.
        read_only: whether the image's own files cannot be changed.
        user: `UID:GID` instead of the image's.
        seconds: the deadline.

    Raises:
        ContainerError: it could not be started, or still ran at the deadline.
    """
    with tempfile.TemporaryDirectory() as folder:
        all_mounts = dict(mounts or {})
        if spec is not None:
            file = Path(folder, "spec.json")
            file.write_text(spec if isinstance(spec, str) else json.dumps(spec, default=str))
            file.chmod(0o644)
            Path(folder).chmod(0o755)  # the image's user is another one
            all_mounts[SPEC_PATH] = file
            arguments = (*(arguments or ("run",)), "--spec", SPEC_PATH)
        ended = containers.run(
            image,
            *arguments,
            env=env,
            mounts=all_mounts,
            writable_mounts=writable_mounts,
            read_only=read_only,
            user=user,
            seconds=seconds,
        )
    return RunResult(ended.exit_code, ended.stdout, report_in(ended.stdout), ended.stderr)


def report_in(stdout: str) -> dict[str, Any] | None:
    """The JSON object in the last line, if that is what it is."""
    lines = stdout.rstrip().splitlines()
    try:
        value = json.loads(lines[-1]) if lines else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
