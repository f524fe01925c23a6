"""A machine for the launcher: a workspace, a home, and stand-ins for what it would ask of the real one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

PARTS = Path("tools/launcher")
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"

# Goes on as the same user in the same namespaces.
UNSHARE = 'while [[ $1 != -- ]]; do shift; done; shift; exec "$@"'

# Makes a root of a few files where the launcher expects one, and says what the real one says.
MMDEBSTRAP = """\
root=${@:(-2):1}
printf '%s\\n' "I: running apt-get update..." "I: downloading packages with apt..." \\
  "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded." "Get:1 http://mirror.invalid a" \\
  "I: extracting archives..."
mkdir -p "$root"/{etc/apt/apt.conf.d,etc/java-25,etc/ssl/certs/java,launcher,usr/bin,usr/lib,usr/share/bazel}
ln -s usr/bin "$root/bin"
cat >"$root/etc/apt/sources.list"
echo 7.7.1+stand-in >"$root/usr/share/bazel/build-label.txt"
echo bazel >"$root/usr/bin/bazel"
echo "bazel-bootstrap 7.7.1" >"$root/launcher/packages"
"""


@dataclass(frozen=True)
class Result:
    """What a call came to."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> list[str]:
        """The lines that the launcher said, each without its name in front."""
        return [line.removeprefix("bazelw: ") for line in self.err.splitlines()]


class Machine:
    """A workspace with the launcher in `folder`, and a user with a home and nothing in it.

    Bazel's tests run inside the launcher's root, as `nobody`; its calls are told that they are outside.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = folder / "a workspace"
        self.launcher = self.workspace / PARTS
        self.home = folder / "home"
        self.state = self.home / ".cache" / "datakit-platform"
        self.commands = folder / "commands"
        shutil.copytree(PARTS, self.launcher, ignore=shutil.ignore_patterns("test*"))
        shutil.copy("bazelw", self.workspace)
        # Bazel hands on no folder that holds a MODULE.bazel
        bazelrc = self.launcher.joinpath("debian.bazelrc").read_text()
        for path in re.findall(r"%workspace%/(.*)", bazelrc):
            self.workspace.joinpath(path).mkdir(parents=True)
            self.workspace.joinpath(path, "MODULE.bazel").write_text(f'module(name = "{Path(path).name}")\n')
        for path in (self.home, self.commands):
            path.mkdir()
        self.workspace.joinpath(".bazelversion").write_text("7.7.1\n")
        self.workspace.joinpath("MODULE.bazel").write_text("")
        self.stand_in("unshare", UNSHARE)
        self.stand_in("mmdebstrap", MMDEBSTRAP)
        self.stand_in("apt-config", "")
        self.stand_in("pivot_root", "")
        self.environment = {
            "PATH": f"{self.commands}:{SYSTEM}",
            "HOME": str(self.home),
            "DATAKIT_BAZEL": "root",
            "DATAKIT_DEBIAN_MIRROR": "http://mirror.invalid/debian",
        }

    def stand_in(self, name: str, script: str) -> None:
        """A command of this machine."""
        path = self.commands / name
        path.write_text(f"#!/bin/bash\n{script}\n")
        path.chmod(0o755)

    def start(self, script: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Bash, with the workspace as `$0`, in a session of its own."""
        return subprocess.Popen(
            ["/bin/bash", "-c", script, str(self.workspace), *arguments],
            env=self.environment | environment,
            cwd=self.workspace,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start_bazelw(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """`./bazelw ARGUMENTS...` on a machine where nothing is running."""
        outside = (
            "in_root() { :; }" if "IN_ROOT" not in environment else 'in_root() { printf "%b" "$IN_ROOT"; }'
        )
        return self.start(
            f'source "$0/bazelw"; inside_marker=/nowhere; {outside}; main "$@"', *arguments, **environment
        )

    def bazelw(self, *arguments: str, **environment: str) -> Result:
        """The same, waited for."""
        return self.wait(self.start_bazelw(*arguments, **environment))

    def start_parts(self, script: str, **environment: str) -> subprocess.Popen[str]:
        """A script that calls the launcher's functions, as tools/launcher/enter.sh would."""
        names = ("settings", "processes", "run", "machine", "root", "follow", "mounts", "environment")
        sources = "".join(f'source "$launcher/{name}.sh"; ' for name in names)
        return self.start(
            "set -euo pipefail; workspace=$0 launcher=$0/tools/launcher "
            f"user_id={os.getuid()} group_id={os.getgid()}; {sources}"
            f'inside_marker=/nowhere; in_root() {{ :; }}; mkdir -p "$state"; {script}',
            **environment,
        )

    def parts(self, script: str, **environment: str) -> Result:
        """The same, waited for."""
        return self.wait(self.start_parts(script, **environment))

    @staticmethod
    def wait(process: subprocess.Popen[str]) -> Result:
        """How a started call ends."""
        out, err = process.communicate(timeout=200)
        return Result(process.returncode, out, err)

    def roots(self) -> list[str]:
        """What the launcher's folder holds of roots, whole or not."""
        return sorted(path.name for path in self.state.glob("root-*"))


def processes_that_name(text: str) -> list[str]:
    """The command lines of all processes that hold a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in command:
            found.append(command)
    return found
