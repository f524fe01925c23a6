"""What stays in the namespaces: starts the services, then carries connections to them, to its end.

`python -m local_airflow.inside FOLDER AIRFLOW_SOCKET TARGET_SOCKET`; the sockets are numbers of open files.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from datakit_testing import ContainerError, wait_until
from datakit_testing.engine import Engine
from sqlmodel_framework.errors import DatakitError

from .build import Build, find_build, repository
from .credentials import CONTAINER_USER
from .folder import Folder
from .progress import Progress, write_progress
from .relay import relay
from .services import Services

__all__ = ["main"]

RUN = Path("/run/datakit")  # in memory, and gone with the namespaces
SOCKET = RUN / "docker.sock"
HANDOVER = RUN / "handover"
AIRFLOW_PORT, TARGET_PORT = 8080, 5432
DATABASES = ("metadata", "target")
PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")


def main(arguments: list[str]) -> int:
    """Starts everything, and stays; returns only when something cannot be started."""
    folder = Folder(Path(arguments[0]))
    sockets = [socket.socket(fileno=int(number)) for number in arguments[1:]]

    def tell(doing: str) -> None:
        sys.stdout.write(f"--- {doing}\n")
        sys.stdout.flush()
        write_progress(folder.progress, Progress(doing))

    try:
        _start(folder, find_build(), tell)
    except (DatakitError, ContainerError, AssertionError) as error:
        traceback.print_exc()
        hint = error.hint if isinstance(error, DatakitError) else None
        failed = f"{error}\n{hint}" if hint else str(error)
        write_progress(folder.progress, Progress("failed", failed=failed))
        return 1
    write_progress(folder.progress, Progress("ready", ready=True))
    asyncio.run(relay(dict(zip(sockets, (AIRFLOW_PORT, TARGET_PORT), strict=True))))
    return 0


def _start(folder: Folder, build: Build, tell: Callable[[str], None]) -> None:
    engine = Engine("launcher", shutil.which("podman") or "/usr/bin/podman")
    HANDOVER.mkdir(mode=0o700)
    os.chown(HANDOVER, CONTAINER_USER, CONTAINER_USER)
    _serve_docker_api(engine)
    for name, image in build.images.items():
        tell(f"loading the image {repository(name).rpartition('/')[2]}")
        engine.do("pull", "--quiet", f"oci:{image.layout}", seconds=600)
        engine.do("tag", image.id, f"{repository(name)}:latest")
    services = Services(engine, build.compose, _variables(folder, build))
    tell("starting the databases")
    services.start(*DATABASES)
    services.wait_until_healthy(*DATABASES, seconds=120)
    tell("making Airflow's tables")
    services.start("migrate")
    services.wait_until_ended("migrate", seconds=300)
    tell("starting Airflow")
    services.start(*PARTS)
    services.wait_until_healthy(*PARTS, seconds=300)


def _serve_docker_api(engine: Engine) -> None:
    """What Airflow starts containers by; only root and who is given its group can use the socket."""
    subprocess.Popen([engine.program, "system", "service", "--time=0", f"unix://{SOCKET}"])

    def answers() -> bool:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(SOCKET))
        return True

    wait_until("podman listens", answers, expected=OSError)
    SOCKET.chmod(0o660)


def _variables(folder: Folder, build: Build) -> dict[str, str]:
    return {
        **build.references(),
        "AIRFLOW_PORT": str(AIRFLOW_PORT),
        "TARGET_PORT": str(TARGET_PORT),
        "DAGS_FOLDER": str(folder.dags),
        "SECRETS_FOLDER": str(folder.secrets),
        "PASSWORDS_FOLDER": str(folder.passwords),
        "DOCKER_SOCKET": str(SOCKET),
        "DOCKER_GROUP": str(SOCKET.stat().st_gid),
        "HANDOVER_FOLDER": str(HANDOVER),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
