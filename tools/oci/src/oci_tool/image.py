"""An image as a folder: an OCI image layout of layers that are there already."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oci_tool.layer import MEDIA_TYPE, Facts
from oci_tool.tree import Kind, RefusedError

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

EPOCH = "1970-01-01T00:00:00Z"
PLATFORM = {"architecture": "amd64", "os": "linux"}

# What container engines set up at most, less what they need themselves.
MOST_LAYERS = 120


@dataclass(frozen=True)
class Layer:
    """A layer's file and its facts."""

    blob: Path
    facts: Facts


def refuse_collisions(layers: Sequence[Facts]) -> None:
    """Refuses layers of which one would hide or change what another holds.

    A path may come again only as a folder, with the same owner and mode. Nothing may lie below a path that
    is a file or a link in another layer.
    """
    seen: dict[str, tuple[list[str | int], str]] = {}
    for facts in layers:
        for entry in facts.entries:
            path = str(entry[4])
            before, title = seen.setdefault(path, (entry, facts.title))
            if title == facts.title:
                continue
            if entry[0] != Kind.DIRECTORY or before != entry:
                raise RefusedError(
                    f"/{path} is {_described(before)} in {title} and {_described(entry)} in {facts.title}: "
                    "two layers of an image share folders only, of the same mode and owner"
                )


def _described(entry: Sequence[str | int]) -> str:
    kind = {"d": "a folder", "f": "a file", "l": "a link"}[str(entry[0])]
    return kind if entry[0] == Kind.LINK else f"{kind} ({entry[1]} {entry[2]}:{entry[3]})"


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Layout:
    """An OCI image layout that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True, exist_ok=True)

    def blob(self, data: bytes, media_type: str) -> dict[str, Any]:
        """Adds a blob; returns its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self._blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, layer: Layer) -> dict[str, Any]:
        """Adds a layer as a link to its file, so that no image copies it; returns its descriptor."""
        name = self._blobs / layer.facts.digest.removeprefix("sha256:")
        if not name.is_symlink():
            # Through links that a sandbox makes, to the file itself.
            name.symlink_to(os.path.realpath(layer.blob))
        return {"mediaType": MEDIA_TYPE, "digest": layer.facts.digest, "size": layer.facts.size}

    def index(self, manifest: Mapping[str, Any]) -> None:
        """Writes what makes the folder a layout."""
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [manifest]}
        (self._folder / "index.json").write_bytes(_json(index))
        (self._folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))


def write_image(folder: Path, layers: Sequence[Layer], config: Mapping[str, Any], name: str) -> str:
    """Writes an image layout.

    Args:
        folder: where; it is made when it is not there.
        layers: from the lowest to the highest.
        config: the image's `config` as the OCI specification has it (User, Env, Entrypoint and so on).
        name: what the image is called when it is loaded; no part of what the digest covers.

    Returns:
        The manifest's digest, `sha256:...`.
    """
    facts = [layer.facts for layer in layers]
    if len(layers) > MOST_LAYERS:
        raise RefusedError(f"{len(layers)} layers: container engines take {MOST_LAYERS} at most")
    refuse_collisions(facts)
    layout = Layout(folder)
    content = {
        **PLATFORM,
        "created": EPOCH,
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in facts]},
        "history": [{"created": EPOCH, "created_by": layer.title} for layer in facts],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": layout.blob(_json(content), CONFIG_TYPE),
        "layers": [layout.layer(layer) for layer in layers],
    }
    described = layout.blob(_json(manifest), MANIFEST_TYPE)
    layout.index(
        {**described, "platform": PLATFORM, "annotations": {"org.opencontainers.image.ref.name": name}}
    )
    return str(described["digest"])
