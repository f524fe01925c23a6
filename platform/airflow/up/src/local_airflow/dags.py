"""The DAGs of a local Airflow: as they lie beside the program, with this build's images."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template

__all__ = ["write_dags"]


def write_dags(sources: Path, description: Path, folder: Path, images: Mapping[str, str]) -> None:
    """Writes a folder of DAGs.

    Args:
        sources: DAG files and what they read; `${NAME}` in YAML files stands for an image.
        description: the description of the flights datakit.
        folder: it is made.
        images: what stands for the names.
    """
    folder.mkdir(mode=0o755)
    texts = {"flights.json": description.read_text()}
    for source in sorted(sources.iterdir()):
        text = source.read_text()
        texts[source.name] = Template(text).substitute(images) if source.suffix == ".yaml" else text
    for name, text in texts.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o644)
    folder.chmod(0o755)
