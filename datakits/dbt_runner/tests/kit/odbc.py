"""The ODBC driver of the image, where the machine has none."""

from __future__ import annotations

import ctypes
import os
import tarfile
import tempfile
from pathlib import Path

# The files of the layer with ODBC, as the build made it.
LAYER = "DBT_RUNNER_ODBC"


def use_driver_of_image() -> None:
    """Load the driver manager, so that pyodbc finds it, and let it find FreeTDS."""
    (layer,) = (file for file in os.environ[LAYER].split() if file.endswith(".tar.gz"))
    root = Path(tempfile.mkdtemp(prefix="odbc-", dir=os.environ.get("TEST_TMPDIR")))
    with tarfile.open(layer) as archive:
        # Older Pythons have no filters.
        archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        archive.extractall(root, members=[m for m in archive if not m.name.startswith("bin")])
    waiting = sorted((root / "usr/lib/x86_64-linux-gnu").glob("*.so.*"))
    for _ in range(len(waiting)):
        for library in list(waiting):
            # One that needs another comes after it.
            try:
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            except OSError:
                continue
            waiting.remove(library)
    assert not waiting, waiting
    drivers = (root / "etc/odbcinst.ini").read_text().replace("/usr/lib/", f"{root}/usr/lib/")
    (root / "etc/odbcinst.ini").write_text(drivers)
    os.environ["ODBCSYSINI"] = str(root / "etc")
