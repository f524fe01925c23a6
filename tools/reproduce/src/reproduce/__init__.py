"""Builds every artifact twice, in two clones with an output base each, and compares the bytes.

    bazel run //tools:reproduce [-- --json]

Nothing built before is reused: the disk cache is off, only fetched files are shared. What counts as an
artifact is what the build graph says: every target of a rule in RULES.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# The rules whose outputs users get.
RULES = ("_oci_image", "_sbom", "_wheel")


@dataclass(frozen=True)
class Clone:
    """A copy of the workspace, and Bazel with an output base for it alone."""

    folder: Path
    output_base: Path

    def bazel(self, command: str, *arguments: str) -> str:
        """Runs a Bazel command and returns what it printed to stdout."""
        launcher = [str(self.folder / "bazelw"), f"--output_base={self.output_base}"]
        result = subprocess.run(
            [*launcher, command, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise SystemExit(f"bazel {command} failed in {self.folder}:\n{result.stderr[-4000:]}")
        return result.stdout


def copy_workspace(source: Path, target: Path) -> None:
    """Copies what git tracks, and new files that it does not ignore, as they are in the working tree."""
    command = ["git", "-C", str(source), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    for name in filter(None, names):
        file, copy = source / name, target / name
        if file.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, copy, follow_symlinks=False)


def image_digest(layout: Path) -> str:
    """The manifest's digest of an OCI image layout, all of whose blobs are what their names say."""
    for blob in sorted((layout / "blobs" / "sha256").iterdir()):
        if digest(blob) != blob.name:
            raise SystemExit(f"{blob}: has other bytes than its name says")
    (manifest,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    return str(manifest["digest"]).removeprefix("sha256:")


def digest(path: Path) -> str:
    """The sha256 of a file, of an image's manifest, or of the names and digests of another folder's files."""
    if (path / "oci-layout").exists():
        return image_digest(path)
    if path.is_dir():
        parts = sorted(f"{p.relative_to(path)} {digest(p)}" for p in path.rglob("*") if p.is_file())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names(targets: Iterable[str]) -> dict[str, str]:
    """What each target's artifact is called: as its folder, an image first; others by their names too."""
    chosen: dict[str, str] = {}
    # An image is what its folder is for, then a wheel.
    for target in sorted(targets, key=lambda t: (not t.endswith(":image"), not t.endswith(":wheel"), t)):
        package, _, name = target.removeprefix("//").partition(":")
        folder = package.rsplit("/", 1)[-1]
        candidates = (folder, f"{folder}_{name}", target)
        chosen[target] = next(c for c in candidates if c not in chosen.values())
    return chosen


def artifacts(clone: Clone) -> Iterator[tuple[str, str]]:
    """Builds all artifacts of a clone; each with its digest."""
    query = f'kind("^({"|".join(RULES)}) rule$", //...)'
    targets = clone.bazel("query", query).split()
    if not targets:
        raise SystemExit(f"the build graph has no artifact: {query}")
    clone.bazel("build", "--disk_cache=", *targets)
    execution_root = Path(clone.bazel("info", "execution_root").strip())
    for target, name in sorted(names(targets).items()):
        files = clone.bazel("cquery", "--disk_cache=", "--output=files", target).split()
        digests = [digest(execution_root / file) for file in sorted(files)]
        yield (
            name,
            digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest(),
        )


def build_in(folder: Path, workspace: Path, say: bool) -> dict[str, str]:
    """Copies the workspace into a folder, builds it there, and leaves no server behind."""
    clone = Clone(folder / "workspace", folder / "output_base")
    copy_workspace(workspace, clone.folder)
    start = time.monotonic()
    try:
        built = dict(artifacts(clone))
    finally:
        subprocess.run(
            [str(clone.folder / "bazelw"), f"--output_base={clone.output_base}", "shutdown"],
            cwd=clone.folder,
            stderr=subprocess.DEVNULL,
        )
    if say:
        print(f"{clone.folder}: {len(built)} artifacts in {time.monotonic() - start:.0f} s", file=sys.stderr)
    return built


def compare(first: dict[str, str], second: dict[str, str]) -> list[tuple[str, str, str]]:
    """Each artifact with its two digests; an empty text where a clone did not build it."""
    return [(name, first.get(name, ""), second.get(name, "")) for name in sorted({*first, *second})]


def main() -> int:
    """Builds twice, prints the comparison, and returns 0 where all bytes are equal."""
    parser = argparse.ArgumentParser(prog="bazel run //tools:reproduce --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    arguments = parser.parse_args()
    workspace = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not workspace:
        sys.exit("run it by `bazel run //tools:reproduce`: it builds copies of the workspace")
    with tempfile.TemporaryDirectory(prefix="reproduce-") as temporary:
        # Two paths of different length and depth: a path that leaks into an artifact shows.
        folders = [Path(temporary, "a"), Path(temporary, "elsewhere", "much deeper")]
        first, second = (build_in(folder, Path(workspace), not arguments.json) for folder in folders)
        # Bazel makes its outputs read-only.
        subprocess.run(["chmod", "-R", "u+w", temporary], check=True)
    rows = compare(first, second)
    for name, one, other in rows:
        equal = bool(one) and one == other
        if arguments.json:
            print(
                json.dumps(
                    {
                        "case": f"digest_equal_{name}",
                        "value": int(equal),
                        "unit": "",
                        "limit": 1,
                        "better": "higher",
                    }
                )
            )
        else:
            print(f"{'equal  ' if equal else 'DIFFERS'} {one[:16]:16} {other[:16]:16} {name}")
    return 0 if all(one and one == other for _, one, other in rows) else 1
