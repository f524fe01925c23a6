"""The first process in a test's namespaces: `python -m datakit_testing.namespace FOLDER COMMAND...`.

Prepares mounts, loopback and podman's settings, then runs the command and takes care of orphaned processes,
as the first process of a namespace has to. Its end is the end of all processes in there.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from .engine import PRIVATE_RUN

__all__ = ["main"]

RUN = PRIVATE_RUN  # on a tmpfs of ours, which is gone with the namespace

_CONTAINERS_CONF = """\
[containers]
# Some machines have cgroups that no runtime accepts, and a container needs none here.
cgroups = "disabled"
# Raising a limit, which podman's own defaults do, takes a capability that not every machine gives.
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"

[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "none"

[network]
network_config_dir = "{run}/networks"
"""

_STORAGE_CONF = """\
[storage]
driver = "{driver}"
graphroot = "{run}/storage"
runroot = "{run}/containers"
transient_store = true
"""


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _overlay_works(folder: Path) -> bool:
    """Whether layers can be mounted over each other; else each image's layers are copied, which is slow."""
    parts = {name: folder / name for name in ("lowerdir", "upperdir", "workdir")}
    for part in [*parts.values(), folder / "merged"]:
        part.mkdir(parents=True)
    options = ",".join(f"{name}={part}" for name, part in parts.items())
    ended = subprocess.run(
        ["mount", "-t", "overlay", "-o", options, "overlay", folder / "merged"], capture_output=True
    )
    if ended.returncode != 0:
        sys.stderr.write(f"no overlay mounts here ({ended.stderr.decode().strip()}): images are copied\n")
        return False
    subprocess.run(["umount", folder / "merged"], check=True)
    return True


def prepare(folder: Path) -> None:
    """Makes the namespaces fit for podman, whose storage is kept below a folder."""
    # A cgroup hierarchy of our own: runtimes refuse some hosts'. Locks and sockets of podman and its helpers
    # have fixed paths, so two tests side by side need two of each folder.
    _mount("-t", "cgroup2", "cgroup2", "/sys/fs/cgroup")
    _mount("-t", "tmpfs", "tmpfs", "/run")
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")  # noqa: S108
    # podman's memory of the blobs it has seen, wherever its storage is.
    Path("/var/lib/containers").mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "tmpfs", "/var/lib/containers")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Names that no container has do not exist: no server outside is asked, and waited for.
    (folder / "resolv.conf").touch()
    _mount("--bind", str(folder / "resolv.conf"), os.path.realpath("/etc/resolv.conf"))
    storage = folder / "storage"
    storage.mkdir()
    for name in ("storage", "networks"):
        (RUN / name).mkdir(parents=True)
    _mount("--bind", str(storage), str(RUN / "storage"))
    driver = "overlay" if _overlay_works(folder / "overlay") else "vfs"
    (RUN / "containers.conf").write_text(_CONTAINERS_CONF.format(run=RUN))
    (RUN / "storage.conf").write_text(_STORAGE_CONF.format(run=RUN, driver=driver))
    os.environ["CONTAINERS_CONF"] = str(RUN / "containers.conf")
    os.environ["CONTAINERS_STORAGE_CONF"] = str(RUN / "storage.conf")
    os.environ["PODMAN_IGNORE_CGROUPSV1_WARNING"] = "1"


def main(arguments: list[str]) -> int:
    """Prepares, runs the command, and returns its exit code."""
    folder, *command = arguments
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Signals go to the whole group, so the command has its own; this process waits for how it ends.
    signal.signal(signal.SIGTERM, lambda *_: None)
    prepare(Path(folder))
    # Open files that were made to be inherited, such as sockets of the network outside, go on to the command.
    child = subprocess.Popen(command, close_fds=False)
    while True:
        pid, status = os.wait()  # orphans of the namespace too
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
