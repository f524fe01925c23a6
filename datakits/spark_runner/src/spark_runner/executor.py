"""The argument `executor`, which Kubernetes gives to the pods that Spark asks it for: become an executor."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

__all__ = ["become_executor", "executor_command"]

_BACKEND = "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend"
# What Spark's driver puts into the pod's environment, and what the backend calls it.
_ARGUMENTS = {
    "--driver-url": "SPARK_DRIVER_URL",
    "--executor-id": "SPARK_EXECUTOR_ID",
    "--cores": "SPARK_EXECUTOR_CORES",
    "--app-id": "SPARK_APPLICATION_ID",
    "--hostname": "SPARK_EXECUTOR_POD_IP",
    "--resourceProfileId": "SPARK_RESOURCE_PROFILE_ID",
    "--podName": "SPARK_EXECUTOR_POD_NAME",
}
_OPTION = re.compile(r"SPARK_JAVA_OPT_(\d+)")


def executor_command(environment: Mapping[str, str]) -> list[str]:
    """The command of an executor.

    Args:
        environment: what the driver put into the pod.

    Raises:
        KeyError: a variable is missing.
    """
    numbered = [(int(found[1]), name) for name in environment if (found := _OPTION.fullmatch(name))]
    memory = environment["SPARK_EXECUTOR_MEMORY"]
    jars = Path(environment["SPARK_HOME"], "jars")
    classes = [environment.get("SPARK_CLASSPATH", ""), f"{jars}/*", environment.get("SPARK_CONF_DIR", "")]
    command = [str(Path(environment["JAVA_HOME"], "bin", "java"))]
    command += [environment[name] for _, name in sorted(numbered)]
    command += [f"-Xms{memory}", f"-Xmx{memory}", "-cp", ":".join(filter(None, classes)), _BACKEND]
    for argument, variable in _ARGUMENTS.items():
        command += [argument, environment[variable]]
    return command


def become_executor() -> NoReturn:
    """Turn this process into an executor; it never returns."""
    try:
        command = executor_command(os.environ)
    except KeyError as error:
        sys.stderr.write(f"error: an executor needs the variable {error}, which Spark's driver sets\n")
        sys.exit(64)
    os.execv(command[0], command)  # noqa: S606
