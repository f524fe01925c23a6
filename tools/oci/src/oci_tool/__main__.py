"""What the rules in //tools/oci run.

oci_tool layer --recipe FILE --blob FILE --facts FILE
oci_tool image --out FOLDER --digest FILE --config FILE --name NAME [--layer BLOB FACTS]...
oci_tool java-key-store --package FILE --out FILE
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from oci_tool.certificates import authorities, java_key_store
from oci_tool.image import Layer, write_image
from oci_tool.layer import Facts, write_layer
from oci_tool.recipe import Recipe
from oci_tool.tree import RefusedError


def _layer(arguments: argparse.Namespace) -> None:
    recipe = Recipe.read(arguments.recipe)
    with tempfile.TemporaryDirectory() as folder:
        write_layer(recipe.tree(Path(folder)), recipe.title, arguments.blob).write(arguments.facts)


def _image(arguments: argparse.Namespace) -> None:
    layers = [Layer(blob, Facts.read(facts)) for blob, facts in arguments.layer]
    config = json.loads(arguments.config.read_text(encoding="utf-8"))
    arguments.digest.write_text(write_image(arguments.out, layers, config, arguments.name) + "\n")


def _java_key_store(arguments: argparse.Namespace) -> None:
    arguments.out.write_bytes(java_key_store(authorities(arguments.package)))


def main(argv: list[str] | None = None) -> None:
    """Reads the command line and does what it says."""
    parser = argparse.ArgumentParser(prog="oci_tool", fromfile_prefix_chars="@")
    commands = parser.add_subparsers(required=True)
    layer = commands.add_parser("layer")
    for option in ("recipe", "blob", "facts"):
        layer.add_argument(f"--{option}", type=Path, required=True)
    layer.set_defaults(run=_layer)
    image = commands.add_parser("image")
    for option in ("out", "digest", "config"):
        image.add_argument(f"--{option}", type=Path, required=True)
    image.add_argument("--name", required=True)
    image.add_argument("--layer", type=Path, nargs=2, action="append", default=[])
    image.set_defaults(run=_image)
    store = commands.add_parser("java-key-store")
    for option in ("package", "out"):
        store.add_argument(f"--{option}", type=Path, required=True)
    store.set_defaults(run=_java_key_store)
    arguments = parser.parse_args(argv)
    try:
        arguments.run(arguments)
    except RefusedError as refusal:
        sys.exit(str(refusal))


if __name__ == "__main__":
    main()
