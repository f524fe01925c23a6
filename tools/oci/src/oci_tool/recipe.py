"""A layer as a build target describes it, in JSON, made into a tree."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oci_tool.bytecode import compile_modules
from oci_tool.certificates import BUNDLE, authorities, bundle
from oci_tool.debian import unpack
from oci_tool.tree import RefusedError, Tree
from oci_tool.wheels import add_folder, install_wheels


@dataclass(frozen=True)
class Placed:
    """A file or folder of the build, and where it goes. A folder's files keep their right to be executed."""

    source: Path
    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class Recipe:
    """What a layer is made of; the attributes of the rules in layers.bzl say what each means."""

    title: str
    packages: list[Path] = field(default_factory=list)
    leave_out: tuple[str, ...] = ()
    compiled: list[str] = field(default_factory=list)
    wheels: list[Path] = field(default_factory=list)
    environment: str = ""
    files: list[Placed] = field(default_factory=list)
    directories: list[tuple[str, int, int, int]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Recipe:
        """Reads a recipe from JSON."""
        given: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return cls(
            title=given["title"],
            packages=[Path(path) for path in given.get("packages", [])],
            leave_out=tuple(given.get("leave_out", [])),
            compiled=given.get("compiled", []),
            wheels=[Path(path) for path in given.get("wheels", [])],
            environment=given.get("environment", ""),
            files=[_placed(item) for item in given.get("files", [])],
            directories=[
                (path, *_mode_and_owner(words, 0o755)) for path, words in given.get("directories", {}).items()
            ],
            links=given.get("links", {}),
        )

    def tree(self, folder: Path) -> Tree:
        """Makes the tree; `folder` is an empty folder that has to stay until the layer is written."""
        tree = Tree()
        for name in ("packages", "compiled", "wheels"):
            (folder / name).mkdir()
        used: set[str] = set()
        for package in sorted(self.packages):
            used |= unpack(package, tree, folder / "packages", self.leave_out)
            if package.name.startswith("ca-certificates."):
                tree.file(BUNDLE, bundle(authorities(package)))
        if unused := sorted(set(self.leave_out) - used):
            raise RefusedError(f"leave_out: nothing in the packages matches {', '.join(unused)}")
        if self.wheels:
            install_wheels(self.wheels, self.environment, tree, folder / "wheels")
        for placed in self.files:
            if placed.source.is_dir():
                add_folder(placed.source, placed.path, tree)
            else:
                tree.file(placed.path, placed.source, placed.mode, placed.uid, placed.gid)
        for root in self.compiled:
            compile_modules(tree, root, folder / "compiled")
        for path, mode, uid, gid in self.directories:
            tree.directory(path, mode, uid, gid)
        for path, target in self.links.items():
            tree.link(path, target)
        return tree


def _placed(item: list[str]) -> Placed:
    source, words = item
    path, _, rest = words.partition(" ")
    return Placed(Path(source), path, *_mode_and_owner(rest, 0o644))


def _mode_and_owner(words: str, default: int) -> tuple[int, int, int]:
    """Reads `MODE UID:GID`, each of which may be missing."""
    mode, _, owner = words.strip().partition(" ")
    uid, _, gid = (owner.strip() or "0:0").partition(":")
    return (int(mode, 8) if mode else default), int(uid), int(gid or uid)
