"""Images of the build, and how they get into an engine."""

from __future__ import annotations

import fcntl
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .engine import ContainerError, Engine

__all__ = ["Image", "Images", "image_from_layout"]

# JSON: the name that a test uses, to the path of the image's layout.
IMAGES_VARIABLE = "DATAKIT_TESTING_IMAGES"


@dataclass(frozen=True)
class Image:
    """An OCI image layout on disk.

    Attributes:
        layout: its folder.
        digest: its manifest's digest, `sha256:…`: what a registry would call it.
        config: its configuration: `User`, `Env`, `Entrypoint`, `Cmd`, …
        config_digest: of the configuration: what engines call the loaded image.
    """

    layout: Path
    digest: str
    config: dict[str, Any]
    config_digest: str

    @property
    def id(self) -> str:
        """The loaded image's id."""
        return self.config_digest.removeprefix("sha256:")

    def blob(self, digest: str) -> Path:
        """The file of a blob."""
        algorithm, _, value = digest.partition(":")
        return self.layout / "blobs" / algorithm / value


def image_from_layout(layout: Path) -> Image:
    """Reads the layout of one image.

    Raises:
        ContainerError: the folder is no layout, or of more than one image.
    """
    try:
        manifests = json.loads((layout / "index.json").read_text())["manifests"]
    except (OSError, ValueError, KeyError) as error:
        raise ContainerError(f"{layout} is no OCI image layout: {error}") from error
    if len(manifests) != 1:
        raise ContainerError(f"{layout} holds {len(manifests)} images: one is expected")
    digest = manifests[0]["digest"]
    bare = Image(layout, digest, {}, "")
    config_digest = json.loads(bare.blob(digest).read_text())["config"]["digest"]
    config = json.loads(bare.blob(config_digest).read_text()).get("config", {})
    return Image(layout, digest, config, config_digest)


class Images:
    """The images that a test may start, by name; each is loaded when it is first asked for.

    Args:
        engine: where they are loaded.
        layouts: name to folder; default: those that the test target names.
        folder: for what the processes of one test share, such as locks; it goes away with the test.
        tag: what a shared engine calls them, so that removing one test's images leaves another's.
    """

    def __init__(self, engine: Engine, folder: Path, tag: str, layouts: dict[str, str] | None = None) -> None:
        self.engine = engine
        self.folder = folder
        self._tag = tag
        self._layouts = json.loads(os.environ.get(IMAGES_VARIABLE, "{}")) if layouts is None else layouts
        self._loaded: dict[Path, str] = {}

    def __getitem__(self, name: str) -> Image:
        """The image of this name.

        Raises:
            ContainerError: the test target names no such image.
        """
        if name not in self._layouts:
            known = ", ".join(sorted(self._layouts)) or "none"
            raise ContainerError(f"no image {name!r} among the images of this test ({known})")
        return image_from_layout(Path(self._layouts[name]).absolute())

    def load(self, image: Image) -> str:
        """Makes sure that the engine has the image, and returns what the engine calls it."""
        if image.layout not in self._loaded:
            with self._alone(image):
                self._loaded[image.layout] = self._load(image)
        return self._loaded[image.layout]

    def reference(self, image: Image) -> str:
        """Makes sure that the engine has the image, and returns `name@sha256:…`, by which it is found.

        Raises:
            ContainerError: the engine is Docker, which knows digests only of what came from a registry.
        """
        if not self.engine.is_podman:
            raise ContainerError(
                f"{image.layout}: Docker does not know an image by digest that no registry sent"
            )
        name = f"localhost/datakit-testing/{self._tag}"
        with self._alone(image):
            # As it is: what `load` writes for a shared engine has another manifest, and so another digest.
            self.engine.do("pull", "--quiet", f"oci:{image.layout}", seconds=600)
            self.engine.do("tag", image.id, f"{name}:{image.id[:12]}")
        return f"{name}@{image.digest}"

    def _load(self, image: Image) -> str:
        if self.engine.private:
            if self.engine.try_to("image", "exists", image.id).exit_code != 0:
                self.engine.do("pull", "--quiet", f"oci:{image.layout}", seconds=600)
            return image.id
        name = f"localhost/datakit-testing/{self._tag}:{image.id[:12]}"
        if self.engine.try_to("image", "inspect", name).exit_code != 0:
            _load_archive(self.engine, image, name)
        return name

    @contextmanager
    def _alone(self, image: Image) -> Iterator[None]:
        """One process of the test loads, the others wait for it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{image.id}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _load_archive(engine: Engine, image: Image, name: str) -> None:
    """Hands an image to `load`, in the format that every Docker and podman reads, without a copy on disk."""
    reading, writing = os.pipe()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with os.fdopen(writing, "wb") as stream:
                write_archive(image, name, stream)
        except BrokenPipeError:
            pass  # the engine's own words say why it stopped reading
        except BaseException as error:
            failures.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as stream:
        try:
            engine.do("load", stdin=stream, seconds=600)
        finally:
            stream.close()
            writer.join()
    if failures:
        raise ContainerError(f"{image.layout} could not be read: {failures[0]}") from failures[0]


def write_archive(image: Image, name: str, stream: IO[bytes]) -> None:
    """Writes what `docker save` would write of the image, under a name."""
    manifest = json.loads(image.blob(image.digest).read_text())
    layers = list(dict.fromkeys(layer["digest"] for layer in manifest["layers"]))
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        for digest in [image.config_digest, *layers]:
            with image.blob(digest).open("rb") as blob:
                member = tarfile.TarInfo(_member(digest, image.config_digest))
                member.size = os.fstat(blob.fileno()).st_size
                archive.addfile(member, blob)
        content = json.dumps(
            [
                {
                    "Config": _member(image.config_digest, image.config_digest),
                    "RepoTags": [name],
                    "Layers": [_member(layer["digest"], image.config_digest) for layer in manifest["layers"]],
                }
            ]
        ).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))


def _member(digest: str, config_digest: str) -> str:
    value = digest.partition(":")[2]
    return f"{value}.json" if digest == config_digest else f"{value}.tar"
