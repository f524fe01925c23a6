"""What a target's image_test() says about its image."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Commands that install things.
PACKAGE_MANAGERS = frozenset(
    [
        "apk",
        "apt",
        "apt-get",
        "conda",
        "dnf",
        "dpkg",
        "npm",
        "pip",
        "pip3",
        "pip3.11",
        "pipx",
        "rpm",
        "uv",
        "yum",
    ]
)
COMPILERS = frozenset(["as", "c++", "cc", "clang", "g++", "gcc", "go", "javac", "ld", "make", "rustc"])
SHELLS = frozenset(["ash", "bash", "busybox", "csh", "dash", "ksh", "rbash", "sh", "tcsh", "zsh"])


@dataclass(frozen=True)
class Expected:
    """The attributes of image_test() in image_test.bzl."""

    image: Path
    digest: Path
    shared: list[Path]
    user: str
    env: dict[str, str]
    entrypoint: list[str]
    workdir: str
    megabytes: int
    layers: int
    code: str
    python: str
    shells: list[str]
    not_imported: dict[str, str]
    missing_libraries: list[str]
    dangling_links: list[str]
    private: list[str]
    owned: dict[str, str]

    @classmethod
    def of_this_test(cls) -> Expected:
        """What the test's target says."""
        given: dict[str, Any] = json.loads(os.environ["IMAGE_TEST"])
        files: dict[str, Any] = {
            "image": Path(os.environ["IMAGE_TEST_IMAGE"]),
            "digest": Path(os.environ["IMAGE_TEST_DIGEST"]),
            "shared": [Path(path) for path in os.environ["IMAGE_TEST_SHARED"].split()],
        }
        return cls(**given, **files)
