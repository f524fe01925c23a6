"""The page "Copy a runner" does what it says: its blocks are carried out in a copy of the workspace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from datakit_testing import Database, Image, image_from_layout
from datakit_testing.running import RunImage

PAGE = Path(os.environ["PAGE"]).read_text(encoding="utf-8")
# The workspace that this test is of; Bazel hands over links to its files.
WORKSPACE = Path(os.environ["PAGE"]).resolve().parents[1]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def commands(number: int) -> list[str]:
    return [line.removeprefix("$ ") for line in blocks("console")[number].splitlines()]


class Copy:
    """A copy of the workspace, with a Bazel of its own that uses the machine's caches and no network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "workspace"
        self.output_base = folder / "output"
        hidden = shutil.ignore_patterns(".git", "bazel-*", "__pycache__", ".*_cache", "user.bazelrc")
        shutil.copytree(WORKSPACE, self.folder, ignore=hidden, symlinks=True)

    def run(self, command: str) -> None:
        if command.startswith("./bazelw "):
            verb, _, rest = command.removeprefix("./bazelw ").partition(" ")
            options = "--repository_disable_download --color=no --curses=no --noshow_progress"
            command = f"./bazelw --output_base={self.output_base} {verb} {options} {rest}"
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        done = subprocess.run(
            command, shell=True, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    def close(self) -> None:
        self.run("./bazelw shutdown")
        # What Bazel wrote is read-only.
        subprocess.run(["chmod", "-R", "u+w", str(self.output_base)], check=True)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("copy"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def image(copy: Copy) -> Image:
    for command in commands(0):
        copy.run(command)
    program = copy.folder / "datakits/census_runner/src/census_runner/__main__.py"
    assert program.exists()
    program.write_text(blocks("python")[0])
    with (copy.folder / "datakits/census_runner/BUILD.bazel").open("a") as build:
        build.write(blocks("python")[1])
    for number in (1, 2):
        for command in commands(number):
            copy.run(command)
    return image_from_layout(copy.folder / "bazel-bin/datakits/census_runner/flights_image")


def test_the_copy_is_built_passes_its_tests_and_runs(
    image: Image, postgres: Database, run_image: RunImage
) -> None:
    target = {"url": postgres.inside_url_without_password, "password_env": "THE_PASSWORD"}
    for step in ("deploy", "count"):
        spec = {"run_id": str(uuid4()), "datakit": "flights", "step": step, "target": target}
        done = run_image(image, spec=spec, env={"THE_PASSWORD": postgres.password})
        assert done.exit_code == 0, done.logs
    assert done.report is not None
    assert done.report["runner"] == "census-runner"
    assert done.report["details"]["gold.fact_flight"] == 0
    assert len(done.report["details"]) == 15
