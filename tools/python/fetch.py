"""fetch.py PIP.whl NAME VERSION SHA256 FOLDER: one file of a package, from wherever the machine's pip looks.

pip finds the file by its hash and downloads it; nothing of the package runs. (`pip download` would run the
setup.py of an sdist, with whatever build backend is newest.)
"""

from __future__ import annotations

import sys
from pathlib import Path


def fetch(name: str, version: str, sha256: str, folder: Path) -> Path:
    """Downloads the file into the folder and returns its path; its hash is the caller's to check."""
    from pip._internal.commands import create_command
    from pip._internal.commands.download import DownloadCommand
    from pip._internal.network.download import Downloader
    from pip._internal.utils.hashes import Hashes
    from pip._vendor.packaging.specifiers import SpecifierSet

    command = create_command("download")
    assert isinstance(command, DownloadCommand)
    options, _ = command.parse_args(["--quiet", "--disable-pip-version-check", "--no-cache-dir", name])
    with command.main_context():
        session = command.get_default_session(options)
        finder = command._build_package_finder(options=options, session=session)
        hashes = Hashes({"sha256": [sha256]})
        found = finder.find_best_candidate(name, specifier=SpecifierSet(f"=={version}"), hashes=hashes)
        if found.best_candidate is None:
            raise SystemExit(f"the package index offers no {name} {version}")
        folder.mkdir(parents=True, exist_ok=True)
        path, _ = Downloader(session, "off")(found.best_candidate.link, str(folder))
        return Path(path)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    fetch(sys.argv[2], sys.argv[3], sys.argv[4], Path(sys.argv[5]))
