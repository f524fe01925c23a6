"""The tool gives the same bytes wherever and however it runs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import oci_tool.__main__
import pytest
from oci_tool.recipe import Recipe
from oci_tool.tree import RefusedError
from sample import CERTIFICATE, deb, wheel

# In bytecode the order within a set is that of its strings' hashes.
CODE = "def known(x):\n    return x in {'one', 'two', 'three', 'four', 'five'}\n"


def inputs(folder: Path, backwards: bool) -> dict[str, Any]:
    """A recipe of all that a layer can be made of; backwards: other order, other modes, other times."""

    def ordered(members: dict[str, Any]) -> dict[str, Any]:
        return dict(reversed(members.items())) if backwards else members

    certificates = {f"usr/share/ca-certificates/{name}.crt": CERTIFICATE.format("eA==") for name in "abc"}
    debs = [
        deb(folder / "ca-certificates.deb", ordered(certificates)),
        deb(
            folder / "python3.11.deb",
            ordered({f"usr/lib/python3.11/{name}.py": CODE for name in "abc"} | {"lib/x.so": "-> y.so"}),
        ),
    ]
    modules = {f"pkg/{name}.py": CODE for name in "abc"}
    wheels = [
        wheel(folder / "pkg-1-py3-none-any.whl", modules, "run = pkg.a:known"),
        wheel(folder / "other-2-py3-none-any.whl", {"other.py": CODE}, "go = other:known"),
    ]
    plain = folder / "settings"
    plain.write_text("a=b\n")
    tree = folder / "tree"
    tree.mkdir()
    for name in ordered(dict.fromkeys(["one", "two", "three.py"], "")):
        (tree / name).write_text(CODE)
    if backwards:
        plain.chmod(0o600)
        os.utime(plain, (1, 1))
        debs.reverse()
        wheels.reverse()
    return {
        "title": "//x:y",
        "packages": [str(path) for path in debs],
        "compiled": ["/usr/lib/python3.11", "/srv/tree"],
        "leave_out": [],
        "wheels": [str(path) for path in wheels],
        "environment": "/opt/datakit",
        "files": [[str(plain), "/etc/settings 0640 7:8"], [str(tree), "/srv/tree"]],
        "directories": ordered({"/tmp": "1777", "/data": "0700 9:9"}),
        "links": ordered({"/usr/bin/python3": "python3.11", "/lib": "usr/lib"}),
    }


def run(*arguments: str, cwd: Path, umask: int = 0o022, **environment: str) -> None:
    subprocess.run(
        [sys.executable, os.path.abspath(oci_tool.__main__.__file__), *arguments],
        check=True,
        cwd=cwd,
        umask=umask,
        env={"PATH": os.defpath, "PYTHONPATH": os.environ["PYTHONPATH"], **environment},
    )


def built(folder: Path, recipe: dict[str, Any], **surroundings: Any) -> tuple[str, ...]:
    """Makes a layer, an image of it and a key store; the digests of all and of the layer's facts."""
    (folder / "recipe.json").write_text(json.dumps(recipe))
    (folder / "config.json").write_text(json.dumps({"User": "1:1", "Env": ["A=b"]}))
    blob, facts = str(folder / "blob"), str(folder / "facts")
    run("layer", f"--recipe={folder / 'recipe.json'}", f"--blob={blob}", f"--facts={facts}", **surroundings)
    run(
        "image",
        f"--out={folder / 'image'}",
        f"--digest={folder / 'digest'}",
        f"--config={folder / 'config.json'}",
        "--name=x",
        *("--layer", blob, facts),
        **surroundings,
    )
    store = str(folder / "store")
    run("java-key-store", f"--package={folder / 'ca-certificates.deb'}", f"--out={store}", **surroundings)
    hashes = [hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in (blob, facts, store)]
    return (*hashes, (folder / "digest").read_text())


def test_the_same_inputs_give_the_same_bytes_in_other_surroundings(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "some" / "where else"
    here.mkdir()
    there.mkdir(parents=True)
    first = built(here, inputs(here, backwards=False), cwd=here)
    second = built(
        there,
        inputs(there, backwards=True),
        cwd=Path("/"),
        umask=0o077,
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="42",
        LC_ALL="C",
        SOURCE_DATE_EPOCH="1700000000",
        TMPDIR=str(there),
    )
    assert first == second


def test_a_layer_holds_what_its_recipe_says(tmp_path: Path) -> None:
    built(tmp_path, inputs(tmp_path, backwards=False), cwd=tmp_path)
    with tarfile.open(tmp_path / "blob") as archive:
        members = {member.name: member for member in archive}
        script = archive.extractfile("opt/datakit/bin/run")
        assert script is not None
        assert script.read().startswith(b"#!/opt/datakit/bin/python\n")
    assert (members["etc/settings"].mode, members["etc/settings"].uid, members["etc/settings"].gid) == (
        0o640,
        7,
        8,
    )
    assert (members["data"].mode, members["data"].uid) == (0o700, 9)
    assert {
        "etc/ssl/certs/ca-certificates.crt",
        "opt/datakit/lib/python3.11/site-packages/pkg-1.dist-info/RECORD",
        "opt/datakit/lib/python3.11/site-packages/pkg/__pycache__/a.cpython-311.pyc",
        "srv/tree/__pycache__/three.cpython-311.pyc",
        "srv/tree/two",
        "usr/lib/python3.11/__pycache__/a.cpython-311.pyc",
        "var/lib/dpkg/status.d/ca-certificates",
    } <= set(members)


def test_a_refusal_says_why_in_one_line(tmp_path: Path) -> None:
    recipe = inputs(tmp_path, backwards=False)
    recipe["links"]["/etc/settings"] = "elsewhere"
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    done = subprocess.run(
        [sys.executable, os.path.abspath(oci_tool.__main__.__file__), "layer"]
        + [f"--{name}={tmp_path / name}" for name in ("blob", "facts")]
        + [f"--recipe={tmp_path / 'recipe.json'}"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "/etc/settings: comes twice, as a file with mode 0640 of 7:8 and as a link to elsewhere\n"
    )


def test_a_pattern_that_leaves_nothing_out_is_refused(tmp_path: Path) -> None:
    recipe = Recipe("//x:y", [deb(tmp_path / "a.deb", {"usr/bin/a": "x"})], ("usr/bin/*", "usr/games/*"))
    (tmp_path / "work").mkdir()
    with pytest.raises(RefusedError, match=r"nothing in the packages matches usr/games/\*"):
        recipe.tree(tmp_path / "work")
