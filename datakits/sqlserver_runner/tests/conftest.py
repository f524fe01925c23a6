"""The driver of the image, where the machine has none, and a real PostgreSQL."""

from __future__ import annotations

import ctypes
import os
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# The files of the layer with ODBC, as the build made it.
LAYER = "SQLSERVER_RUNNER_ODBC"


def _use_driver_of_image(layer: Path) -> None:
    """Load the driver manager, so that pyodbc finds it, and let it and other processes find FreeTDS."""
    root = Path(tempfile.mkdtemp(prefix="odbc-", dir=os.environ.get("TEST_TMPDIR")))
    with tarfile.open(layer) as archive:
        archive.extractall(root)
    libraries = root / "usr/lib/x86_64-linux-gnu"
    waiting = sorted(libraries.glob("*.so.*"))
    for _ in range(len(waiting)):
        for library in list(waiting):
            # One that needs another comes after it.
            try:
                ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
            except OSError:
                continue
            waiting.remove(library)
    if waiting:
        raise OSError(f"these cannot be loaded: {', '.join(library.name for library in waiting)}")
    drivers = (root / "etc/odbcinst.ini").read_text().replace("/usr/lib/", f"{root}/usr/lib/")
    (root / "etc/odbcinst.ini").write_text(drivers)
    os.environ["ODBCSYSINI"] = str(root / "etc")
    before = os.environ.get("LD_LIBRARY_PATH")
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, [str(libraries), before]))


if LAYER in os.environ:
    (archive,) = (file for file in os.environ[LAYER].split() if file.endswith(".tar.gz"))
    _use_driver_of_image(Path(archive))


# After the driver is there.
from sqlmodel_framework.testing.certificates import write_certificate  # noqa: E402
from sqlmodel_framework.testing.plugin import datakit_server as datakit_server  # noqa: E402
from sqlmodel_framework.testing.plugin import datakit_target as datakit_target  # noqa: E402


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key and the certificate of `localhost`, for which nobody vouches."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "localhost.pem", "localhost")
