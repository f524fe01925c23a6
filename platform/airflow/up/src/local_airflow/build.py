"""What the build made for a local Airflow: images, the compose file, DAGs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datakit_testing.images import Image, image_from_layout

__all__ = ["Build", "find_build"]

VARIABLE = "LOCAL_AIRFLOW"


@dataclass(frozen=True)
class Build:
    """Outputs of the build.

    Attributes:
        compose: the compose file.
        dags: the folder of DAGs.
        description: of the flights datakit.
        images: by the name of the variable that stands for them in the compose file and the DAGs.
    """

    compose: Path
    dags: Path
    description: Path
    images: Mapping[str, Image]

    def references(self) -> dict[str, str]:
        """What each image is called: a name, and the digest of its manifest."""
        return {name: f"{repository(name)}@{image.digest}" for name, image in self.images.items()}


def repository(name: str) -> str:
    """The name of an image in podman's storage, without its digest."""
    return f"localhost/datakit-platform/{name.removesuffix('_IMAGE').lower().replace('_', '-')}"


def find_build(environment: Mapping[str, str] = os.environ) -> Build:
    """The outputs that the build handed to this program.

    Args:
        environment: holds their paths, in one variable, as JSON.
    """
    paths = json.loads(environment[VARIABLE])
    return Build(
        compose=Path(paths["compose"]).resolve(),
        dags=Path(paths["dags"]).absolute().parent,
        description=Path(paths["description"]).resolve(),
        images={
            name: image_from_layout(Path(path).absolute())
            for name, path in paths.items()
            if name.endswith("_IMAGE")
        },
    )
