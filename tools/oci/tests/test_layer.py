"""Layers as files: their headers, facts, bytes, and the memory that writing them takes."""

from __future__ import annotations

import gzip
import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

from oci_tool.layer import Facts, write_layer
from oci_tool.tree import Tree

# Of the tree below. It changes when the format does: then every image's digest changes as well.
GOLDEN = "sha256:bce096bbeee945ffe315ebcb7c84a5dd6274be8b270eb51113f0ae60bbd60a2e"


def sample(folder: Path) -> Tree:
    file = folder / "source"
    file.write_bytes(b"content")
    tree = Tree()
    tree.file("/z/data", file, 0o755)
    tree.file("/a/same", file, 0o755)
    tree.file("/owned", b"mine", 0o600, 10001, 10002)
    tree.directory("/tmp", 0o1777)
    tree.link("/link", "z/data")
    tree.file(f"/{'long/' * 40}name-{'ü' * 60}", b"")
    return tree


def test_the_bytes_are_those_that_they_always_were(tmp_path: Path) -> None:
    assert write_layer(sample(tmp_path), "//x:y", tmp_path / "blob").digest == GOLDEN


def test_headers_say_owner_mode_and_the_epoch_and_nothing_else(tmp_path: Path) -> None:
    write_layer(sample(tmp_path), "//x:y", tmp_path / "blob")
    with tarfile.open(tmp_path / "blob") as archive:
        members = {member.name: member for member in archive}
        assert {member.mtime for member in members.values()} == {0}
        assert {member.uname + member.gname for member in members.values()} == {""}
        owned = members["owned"]
        assert (owned.uid, owned.gid, owned.mode) == (10001, 10002, 0o600)
        assert (members["tmp"].mode, members["tmp"].isdir()) == (0o1777, True)
        assert (members["link"].issym(), members["link"].linkname) == (True, "z/data")
        # One file with two names: the first in order holds the bytes.
        assert (members["z/data"].islnk(), members["z/data"].linkname) == (True, "a/same")
        same = archive.extractfile("z/data")
        assert same is not None
        assert same.read() == b"content"
        assert f"{'long/' * 40}name-{'ü' * 60}" in members


def test_facts_describe_the_file(tmp_path: Path) -> None:
    facts = write_layer(sample(tmp_path), "//x:y", tmp_path / "blob")
    packed = (tmp_path / "blob").read_bytes()
    plain = gzip.decompress(packed)
    assert facts.digest == f"sha256:{hashlib.sha256(packed).hexdigest()}"
    assert facts.diff_id == f"sha256:{hashlib.sha256(plain).hexdigest()}"
    assert (facts.size, facts.unpacked) == (len(packed), len(plain))
    assert ["f", "600", 10001, 10002, "owned"] in facts.entries
    facts.write(tmp_path / "facts")
    assert Facts.read(tmp_path / "facts") == facts


def test_a_file_beyond_the_old_limit_of_8_gib_keeps_its_size() -> None:
    header = tarfile.TarInfo("large")
    header.size = 9 << 30
    data = header.tobuf(tarfile.PAX_FORMAT)
    assert str(9 << 30).encode() in data


def test_memory_does_not_grow_with_the_layer(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(512 << 20)
    program = f"""
import resource
from pathlib import Path
from oci_tool.layer import write_layer
from oci_tool.tree import Tree
tree = Tree()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tree.file("/large", Path({str(tmp_path / "large")!r}))
facts = write_layer(tree, "t", Path({str(tmp_path / "blob")!r}))
assert facts.unpacked > 512 << 20
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True)
    assert int(done.stdout) < 32 << 10
