"""Spark's settings for a master: what this runner needs, then what the specification asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmodel_framework.errors import TerminalError

from .parameters import SparkParameters

__all__ = ["DEFAULT_MASTER", "MASTER_VARIABLE", "REDACTED", "Master", "find_master", "spark_settings"]

MASTER_VARIABLE = "SPARK_MASTER_URL"
DEFAULT_MASTER = "local[*]"

REDACTED = r"(?i)secret|passw(or)?d|passphrase|token|credential|access[.]?key"
"""Names of settings whose values nobody sees: not in an event log, not on a page, not in a command."""

# Else threads of Spark die of it one by one, and the job waits for them without end.
_END = "-XX:+ExitOnOutOfMemoryError"

_LOCAL = re.compile(r"local(\[(\*|[1-9]\d*)(,\s*[1-9]\d*)?\])?")
_PLACE = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?")
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True)
class Master:
    """Where Spark works.

    Attributes:
        url: as Spark takes it.
        kind: "local", "spark" for a standalone cluster, "k8s" for Kubernetes.
        places: host and port of everyone who can be asked; none for "local".
    """

    url: str
    kind: str
    places: tuple[tuple[str, int], ...] = ()


def find_master(parameters: SparkParameters, environment: Mapping[str, str]) -> Master:
    """The master that the parameters or the environment name.

    Raises:
        TerminalError: it is none that this runner can use.
    """
    url = parameters.master or environment.get(MASTER_VARIABLE) or DEFAULT_MASTER
    if _LOCAL.fullmatch(url):
        return Master(url, "local")
    scheme, separator, rest = url.partition("://")
    if separator and scheme == "spark":
        return Master(url, "spark", tuple(_place(url, each, 7077) for each in rest.split(",")))
    if separator and scheme == "k8s":
        secure, _, place = rest.rpartition("://")
        if secure in ("", "https", "http"):
            default = 80 if secure == "http" else 443
            return Master(url, "k8s", (_place(url, place.partition("/")[0], default),))
    raise _unusable(url)


def _place(url: str, text: str, default_port: int) -> tuple[str, int]:
    match = _PLACE.fullmatch(text)
    port = int(match["port"] or default_port) if match else 0
    if match is None or not 0 < port < 65536:
        raise _unusable(url)
    return match["v6"] or match["host"], port


def _unusable(url: str) -> TerminalError:
    return TerminalError(
        f"the master {url!r} is none that this runner can use",
        hint="there are: local[*], local[N], spark://HOST:PORT, k8s://https://HOST:PORT",
    )


def spark_settings(
    master: Master,
    parameters: SparkParameters,
    *,
    name: str,
    folder: Path,
    address: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every setting of a Spark application.

    Args:
        master: where it works.
        parameters: what the specification asks for; its settings win where nothing depends on ours.
        name: what the application is called.
        folder: where the driver may write.
        address: the driver's own address as those on the cluster's network reach it; None for "local".
        environment: the driver's variables.

    Raises:
        TerminalError: a setting is not for `conf`, or one is missing that Kubernetes needs.
    """
    asked = {key: _text(value) for key, value in parameters.conf.items()}
    for key in asked:
        if not key.startswith("spark."):
            raise TerminalError(f"the parameter 'conf' names {key!r}, which is no setting of Spark")
        if key in _NOT_TO_BE_SET:
            raise TerminalError(f"the parameter 'conf' sets {key!r}", hint=_NOT_TO_BE_SET[key])
    settings = {
        "spark.app.name": name,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.redaction.regex": REDACTED,
    }
    # Executors in this process need nobody's network.
    settings["spark.driver.host"] = address or "127.0.0.1"
    settings["spark.driver.bindAddress"] = address or "127.0.0.1"
    if master.kind == "k8s":
        settings |= _kubernetes(asked, environment or {}, folder)
    settings |= asked
    logging = f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}"
    zone = "-Duser.timezone=UTC"
    for key, options in (
        ("spark.driver.defaultJavaOptions", f"{zone} {logging} -Djava.io.tmpdir={folder} {_END}"),
        ("spark.executor.defaultJavaOptions", zone),
    ):
        settings[key] = " ".join(filter(None, (options, asked.get(key))))
    settings["spark.master"] = master.url
    return settings


_NOT_TO_BE_SET = {
    "spark.master": "use the parameter 'master'",
    "spark.submit.deployMode": "the runner itself is the driver",
    "spark.sql.session.timeZone": "it is UTC, so that the same moment is the same text everywhere",
}


def _kubernetes(asked: Mapping[str, str], environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What the executors' pods need: the image, and a driver that they belong to."""
    image = asked.get("spark.kubernetes.container.image") or environment.get("SPARK_EXECUTOR_IMAGE")
    if not image and "spark.kubernetes.executor.container.image" not in asked:
        raise TerminalError(
            "a master k8s:// needs the image of the executors",
            hint="give spark.kubernetes.container.image in 'conf', or the variable SPARK_EXECUTOR_IMAGE",
        )
    settings = {"spark.kubernetes.container.image": image} if image else {}
    # Outside of a pod there is no such file.
    with suppress(OSError):
        namespace = (_SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        settings["spark.kubernetes.namespace"] = namespace
        # Executors go when the driver's pod goes, however it ends. A pod's host name is its own name.
        if environment.get("HOSTNAME"):
            settings["spark.kubernetes.driver.pod.name"] = environment["HOSTNAME"]
    # Pods' root file systems are read-only, too.
    settings["spark.kubernetes.local.dirs.tmpfs"] = "false"
    settings["spark.kubernetes.executor.volumes.emptyDir.tmp.mount.path"] = "/tmp"  # noqa: S108
    return settings


def _text(value: str | bool | int | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
