"""What the images weigh, whether they are built the same twice, and how long work with them takes.

    bazel run //platform:figures [-- --json] [-- --only size_]

A figure with a limit that is broken makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import reproduce
from figure import Figure, report
from image_size import unpacked_megabytes
from oci_tool.layout import ImageLayout

# Megabytes of 10^6 bytes that an image may take unpacked.
BUDGETS = {
    "sqlmodel_runner": 350,
    "postgres_runner": 350,
    "sqlserver_runner": 350,
    "dbt_runner": 400,
    "spark_runner": 1_100,
    "airflow": 550,
    "flights": 400,
    "postgres": 150,
    "mariadb": 150,
    "python": 100,
}
# The usual public images, and what they take in MB.
USUAL = {"python": "slim Python, about 150", "spark_runner": "Spark-py, about 1,800"}
REBUILT = "framework/src/sqlmodel_framework/errors.py"


def images_of(clone: reproduce.Clone) -> dict[str, str]:
    """The name of each image to its label."""
    labels = clone.bazel("query", 'kind("^_oci_image rule$", //...)').split()
    return {name: label for label, name in reproduce.names(labels).items() if label.endswith(":image")}


def layouts_of(clone: reproduce.Clone, images: dict[str, str]) -> dict[str, Path]:
    """The folder of each image, built."""
    clone.bazel("build", *images.values())
    root = Path(clone.bazel("info", "execution_root").strip())
    return {
        name: root / clone.bazel("cquery", "--output=files", label).split()[0]
        for name, label in images.items()
    }


def sizes(workspace: reproduce.Clone) -> Iterator[Figure]:
    """The size of every image."""
    for name, layout in sorted(layouts_of(workspace, images_of(workspace)).items()):
        megabytes = round(unpacked_megabytes(layout), 1)
        yield Figure(f"size_{name}", megabytes, "MB", BUDGETS.get(name), note=USUAL.get(name, ""))


def digests(workspace: reproduce.Clone) -> Iterator[Figure]:
    """Whether each artifact is the same from two output bases at two paths."""
    with temporary_folder() as folder:
        first, second = (
            reproduce.build_in(folder / name, workspace.folder, say=False)
            for name in ("a", "elsewhere/deeper")
        )
    for name, one, other in reproduce.compare(first, second):
        yield Figure(f"digest_equal_{name}", float(bool(one) and one == other), "", 1, "higher")


def rebuild(workspace: reproduce.Clone) -> Iterator[Figure]:
    """How long it takes to rebuild all runner images when a line of the framework has changed."""
    with temporary_folder() as folder:
        clone = reproduce.Clone(folder / "workspace", folder / "output_base")
        reproduce.copy_workspace(workspace.folder, clone.folder)
        try:
            runners = {name: label for name, label in images_of(clone).items() if name.endswith("_runner")}
            before = {name: layers(layout) for name, layout in layouts_of(clone, runners).items()}
            with (clone.folder / REBUILT).open("a") as file:
                file.write(f"\nMEASURED_AT = {time.time()}\n")
            started = time.monotonic()
            clone.bazel("build", *runners.values())
            seconds = time.monotonic() - started
            after = {name: layers(layout) for name, layout in layouts_of(clone, runners).items()}
        finally:
            clone.bazel("shutdown")
    for name in runners:
        changed = [one != other for one, other in zip(before[name], after[name], strict=True)]
        # The framework is the layer below the runner's own code.
        if changed != [False] * (len(changed) - 2) + [True, False]:
            raise SystemExit(f"rebuild: of {name} another layer than the framework's has changed")
    number = {5: "five"}.get(len(runners), str(len(runners)))
    yield Figure(f"rebuild_{number}", round(seconds, 1), "s", 10)


def layers(layout: Path) -> list[str]:
    """The digests of an image's layers, from the lowest to the highest."""
    return [layer["digest"] for layer in ImageLayout(layout).manifest["layers"]]


def no_operation(workspace: reproduce.Clone) -> Iterator[Figure]:
    """How long Bazel takes to find that no test has to run."""
    launcher = str(workspace.folder / "bazelw")
    command = [launcher, "test", "//...", "--test_output=summary"]
    for warm in (True, False):
        ended = subprocess.run(command, cwd=workspace.folder, capture_output=True, text=True)
        if ended.returncode:
            raise SystemExit(
                f"noop_test: bazel test //... fails:\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}"
            )
        if not warm:
            found = re.search(r"Elapsed time: ([0-9.]+)s", ended.stderr)
            if found is None:
                raise SystemExit("noop_test: Bazel did not say how long it took")
            yield Figure("noop_test", float(found[1]), "s", 1)


def cold_starts(workspace: reproduce.Clone) -> Iterator[Figure]:
    """How long each runner takes from the start of its container to its first log line."""
    runners = {name: label for name, label in images_of(workspace).items() if name.endswith("_runner")}
    layouts = {name: str(layout) for name, layout in layouts_of(workspace, runners).items()}
    with tempfile.TemporaryDirectory(prefix="figures-") as folder:
        ended = subprocess.run(
            [sys.executable, "-m", "cold_start"],
            env={
                **os.environ,
                "DATAKIT_TESTING_IMAGES": json.dumps(layouts),
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "TEST_TMPDIR": folder,
            },
            capture_output=True,
            text=True,
        )
    if ended.returncode:
        raise SystemExit(f"cold_start: {ended.stderr[-2000:]}")
    for line in ended.stdout.splitlines():
        measured = json.loads(line)
        yield Figure(f"cold_start_{measured['runner']}", measured["seconds"], "s", None)


class temporary_folder(tempfile.TemporaryDirectory[str]):  # noqa: N801
    """A folder that is gone at the end, Bazel's read-only outputs in it included."""

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())

    def __exit__(self, *error: object) -> None:
        subprocess.run(["chmod", "-R", "u+w", self.name], check=True)
        self.cleanup()


CASES: dict[str, Callable[[reproduce.Clone], Iterator[Figure]]] = {
    "size_": sizes,
    "digest_equal_": digests,
    "rebuild_": rebuild,
    "noop_test": no_operation,
    "cold_start_": cold_starts,
}


class Workspace(reproduce.Clone):
    """The workspace itself, with the output base that everyone uses."""

    def bazel(self, command: str, *arguments: str) -> str:
        """Runs a Bazel command and returns what it printed to stdout."""
        result = subprocess.run(
            [str(self.folder / "bazelw"), command, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
        )
        if result.returncode:
            raise SystemExit(f"bazel {command} failed in {self.folder}:\n{result.stderr[-4000:]}")
        return result.stdout


def main() -> int:
    """Measures, prints, and returns 0 where every limit is kept."""
    parser = argparse.ArgumentParser(prog="bazel run //platform:figures --", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of a table")
    parser.add_argument("--only", choices=list(CASES), action="append", help="measure these only")
    arguments = parser.parse_args()
    folder = os.environ.get("BUILD_WORKSPACE_DIRECTORY")
    if not folder:
        sys.exit("run it by `bazel run //platform:figures`")
    workspace = Workspace(Path(folder), Path())
    found = measured(workspace, arguments.only or list(CASES))
    return 0 if report(found, as_json=arguments.json, note="usual image") else 1


def measured(workspace: Workspace, cases: list[str]) -> Iterator[Figure]:
    """The figures of some cases, each as it is measured."""
    for name, measure in CASES.items():
        if name in cases:
            print(f"measuring {name.rstrip('_')}", file=sys.stderr)
            yield from measure(workspace)


if __name__ == "__main__":
    sys.exit(main())
