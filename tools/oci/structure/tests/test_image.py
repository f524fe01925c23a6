"""What every image has to be, read from its layout; nothing is taken from how it was made."""

from __future__ import annotations

import configparser
import gzip
import hashlib
import json
import posixpath
import subprocess
import sys
import tarfile
from itertools import chain
from pathlib import Path

import pytest
from oci_tool.layer import Facts
from oci_tool.layout import Found, ImageLayout
from structure.elf import needs
from structure.expected import COMPILERS, PACKAGE_MANAGERS, SHELLS, Expected

EXPECTED = Expected.of_this_test()
EPOCH = "1970-01-01T00:00:00Z"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib", "usr/lib64")

# Run inside the image: imports what its packages bring and prints, as JSON, what did not import.
IMPORT_EVERYTHING = """
import importlib, importlib.metadata, json, sys
failed = {}
for name in sorted(importlib.metadata.packages_distributions()):
    if name.isidentifier() and name not in json.loads(sys.argv[1]):
        try:
            importlib.import_module(name)
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failed))
"""


@pytest.fixture(scope="session")
def image() -> ImageLayout:
    return ImageLayout(EXPECTED.image)


# Reading a large image takes seconds: once for all questions about bytes, and once for all about headers.
@pytest.fixture(scope="session")
def unpacked(image: ImageLayout) -> list[tuple[str, int]]:
    """The digest and the size of each layer, uncompressed."""
    found = []
    for layer in image.layers:
        digest, size = hashlib.sha256(), 0
        with gzip.open(layer) as file:
            while data := file.read(1 << 20):
                digest.update(data)
                size += len(data)
        found.append((f"sha256:{digest.hexdigest()}", size))
    return found


@pytest.fixture(scope="session")
def headers(image: ImageLayout) -> list[list[tarfile.TarInfo]]:
    """The headers of each layer."""
    found = []
    for number in range(len(image.layers)):
        with image.layer(number) as archive:
            found.append(list(archive))
    return found


@pytest.fixture(scope="session")
def paths(image: ImageLayout) -> dict[str, Found]:
    return image.paths


@pytest.fixture(scope="session")
def root(image: ImageLayout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    image.unpack(folder)
    return folder


def run_inside(root: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "tools/oci/structure/inside.py", str(root), EXPECTED.user.split(":")[0], *command],
        env=EXPECTED.env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def resolved(paths: dict[str, Found], path: str) -> str | None:
    """The path that a container reaches when it opens this one; None where that is nothing."""
    for _ in range(40):
        for end in range(1, path.count("/") + 2):
            head = "/".join(path.split("/")[:end])
            entry = paths.get(head)
            if entry is None:
                return None
            if entry.header.issym():
                rest = path[len(head) :]
                target = posixpath.join("/", posixpath.dirname(head), entry.header.linkname)
                path = posixpath.normpath(target).lstrip("/") + rest
                break
        else:
            return path
    return None


def test_every_blob_is_what_its_name_says(image: ImageLayout, unpacked: list[tuple[str, int]]) -> None:
    described = [image.manifest["config"], *image.manifest["layers"]]
    for blob in described:
        data = image.blob(blob["digest"])
        assert data.stat().st_size == blob["size"]
        with data.open("rb") as file:
            assert f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}" == blob["digest"]
    assert [digest for digest, _ in unpacked] == image.config["rootfs"]["diff_ids"]
    assert EXPECTED.digest.read_text() == f"{image.digest}\n"


def test_it_runs_as_it_says(image: ImageLayout) -> None:
    config = image.config["config"]
    assert config["User"] == EXPECTED.user
    assert config.get("Entrypoint", []) == EXPECTED.entrypoint
    assert dict(item.split("=", 1) for item in config.get("Env", [])) == EXPECTED.env
    assert config["WorkingDir"] == EXPECTED.workdir
    assert (image.config["os"], image.config["architecture"]) == ("linux", "amd64")


def test_its_user_is_nobody_special() -> None:
    uid, _, gid = EXPECTED.user.partition(":")
    assert int(uid) >= 1000
    assert int(gid) >= 1000


def test_its_entry_point_is_there_and_may_be_executed(paths: dict[str, Found]) -> None:
    if EXPECTED.entrypoint:
        path = resolved(paths, EXPECTED.entrypoint[0].lstrip("/"))
        assert path is not None
        assert paths[path].header.mode & 0o005 == 0o005


def test_nothing_says_when_or_from_what_revision_it_was_made(
    image: ImageLayout, headers: list[list[tarfile.TarInfo]]
) -> None:
    assert image.config["created"] == EPOCH
    assert {step["created"] for step in image.config["history"]} == {EPOCH}
    assert "Labels" not in image.config["config"]
    assert set(image.manifest) == {"schemaVersion", "mediaType", "config", "layers"}
    assert all({header.mtime for header in layer} == {0} for layer in headers)


def test_all_of_it_is_roots_and_for_everyone_to_read(paths: dict[str, Found]) -> None:
    owned = {
        f"/{path}": f"{found.header.uid}:{found.header.gid}"
        for path, found in paths.items()
        if (found.header.uid, found.header.gid) != (0, 0)
    }
    assert owned == EXPECTED.owned
    private = [
        f"/{path}"
        for path, found in paths.items()
        if not found.header.issym() and found.header.mode & 0o004 == 0 and f"/{path}" not in owned
    ]
    assert private == EXPECTED.private


def test_nobody_else_may_write_into_it(paths: dict[str, Found]) -> None:
    writable = {
        path for path, found in paths.items() if not found.header.issym() and found.header.mode & 0o002
    }
    assert writable == {"tmp", "var/tmp"}
    assert all(paths[path].header.mode == 0o1777 for path in writable)


def test_nothing_in_it_gives_another_users_rights(paths: dict[str, Found]) -> None:
    assert not [path for path, found in paths.items() if found.header.mode & 0o6000]
    assert not [path for path, found in paths.items() if found.header.isdev() or found.header.isfifo()]
    capabilities = "SCHILY.xattr.security.capability"
    assert not [path for path, found in paths.items() if capabilities in found.header.pax_headers]


def test_it_cannot_install_or_compile(paths: dict[str, Found]) -> None:
    commands = {
        posixpath.basename(path)
        for path, found in paths.items()
        if not found.header.isdir() and found.header.mode & 0o111
    }
    assert not commands & PACKAGE_MANAGERS
    assert not commands & COMPILERS
    assert sorted(commands & SHELLS) == sorted(EXPECTED.shells)
    assert not [path for path in paths if path.endswith(("site-packages/pip", "/ensurepip", "bin/dpkg"))]


def test_no_layer_deletes_or_replaces(headers: list[list[tarfile.TarInfo]]) -> None:
    seen: dict[str, tuple[int, int, int]] = {}
    for header in chain.from_iterable(headers):
        assert not posixpath.basename(header.name).startswith(".wh.")
        owner_and_mode = (header.uid, header.gid, header.mode)
        assert seen.get(header.name) is None or header.isdir(), header.name
        assert seen.setdefault(header.name, owner_and_mode) == owner_and_mode, header.name


def test_no_link_leads_nowhere(paths: dict[str, Found]) -> None:
    dangling = [
        f"/{path}" for path, found in paths.items() if found.header.issym() and not resolved(paths, path)
    ]
    assert sorted(dangling) == sorted(EXPECTED.dangling_links)


def test_it_is_not_larger_than_agreed(unpacked: list[tuple[str, int]]) -> None:
    megabytes = sum(size for _, size in unpacked) / 1e6
    print(f"{megabytes:.1f} MB unpacked")
    assert megabytes <= EXPECTED.megabytes


def test_its_layers_are_few_and_those_of_others(image: ImageLayout) -> None:
    digests = [layer["digest"] for layer in image.manifest["layers"]]
    assert len(digests) <= EXPECTED.layers
    assert {Facts.read(file).digest for file in EXPECTED.shared} <= set(digests)


def test_first_party_code_is_a_small_last_layer(image: ImageLayout, paths: dict[str, Found]) -> None:
    if EXPECTED.code:
        last = len(image.layers) - 1
        assert image.manifest["layers"][last]["size"] < 1_000_000
        modules = f"/site-packages/{EXPECTED.code}/"
        assert {found.layer for path, found in paths.items() if modules in path} == {last}


def test_its_programs_find_their_libraries(root: Path, paths: dict[str, Found]) -> None:
    missing: dict[str, str] = {}
    for path, found in paths.items():
        if not found.header.isfile() or not (wanted := needs(root / path)):
            continue
        folders = [folder.replace("$ORIGIN", f"/{posixpath.dirname(path)}") for folder in wanted.folders]
        for name in wanted.libraries:
            places = [posixpath.normpath(f"{folder}/{name}").lstrip("/") for folder in (*folders, *LIBRARIES)]
            if not any(resolved(paths, place) for place in places):
                missing.setdefault(name, path)
    assert sorted(missing) == sorted(EXPECTED.missing_libraries), missing


def test_every_python_package_imports(root: Path) -> None:
    if EXPECTED.python:
        failed = json.loads(
            run_inside(root, EXPECTED.python, "-c", IMPORT_EVERYTHING, json.dumps(EXPECTED.not_imported))
        )
        assert failed == {}


def test_every_console_script_exists(root: Path, paths: dict[str, Found]) -> None:
    if not EXPECTED.python:
        return
    environment = posixpath.dirname(posixpath.dirname(EXPECTED.python)).lstrip("/")
    scripts = set()
    for path in paths:
        if path.endswith(".dist-info/entry_points.txt"):
            points = configparser.ConfigParser(delimiters=("=",))
            points.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
            points.read(root / path)
            scripts |= set(points["console_scripts"]) if points.has_section("console_scripts") else set()
    for script in scripts:
        path = f"{environment}/bin/{script}"
        assert paths[path].header.mode == 0o755, path
        first = (root / path).read_text().splitlines()[0]
        assert first == f"#!{EXPECTED.python}", first


def test_every_module_is_compiled(paths: dict[str, Found]) -> None:
    # Templates and modules for other versions of Python do not compile; they are few.
    modules = [
        path
        for path, found in paths.items()
        if found.header.isfile() and path.endswith(".py") and "/python3.11/" in path
    ]
    compiled = {path for path in paths if path.endswith(".cpython-311.pyc")}
    bare = [
        path
        for path in modules
        if posixpath.join(
            posixpath.dirname(path),
            "__pycache__",
            posixpath.basename(path).removesuffix(".py") + ".cpython-311.pyc",
        )
        not in compiled
    ]
    assert len(bare) <= len(modules) // 200, bare


def test_it_knows_time_zones_and_authorities(root: Path) -> None:
    if EXPECTED.python:
        known = run_inside(
            root,
            EXPECTED.python,
            "-c",
            "import ssl, zoneinfo\n"
            "authorities = ssl.create_default_context().get_ca_certs()\n"
            "print(len(authorities) > 100, zoneinfo.ZoneInfo('Asia/Kathmandu'))",
        )
        assert known == "True Asia/Kathmandu\n"
