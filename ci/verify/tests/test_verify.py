"""Each thing that can be wrong with a wheel is found and named."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest
from wheel_verifier import verify_wheel

METADATA = """\
Metadata-Version: 2.4
Name: sample
Version: 1
Summary: A sample
Author: Somebody
License-Expression: MIT
Classifier: Typing :: Typed
Requires-Python: >=3.11
Description-Content-Type: text/plain

What it is.
"""
GOOD = {
    "sample/__init__.py": "",
    "sample/py.typed": "",
    "sample-1.dist-info/METADATA": METADATA,
    "sample-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


def wheel(
    folder: Path,
    files: dict[str, str],
    *,
    damaged: str = "",
    time: tuple[int, int, int, int, int, int] = (1980, 1, 1, 0, 0, 0),
) -> Path:
    file = folder / "sample-1-py3-none-any.whl"
    record = ""
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(text)}\n"
            content = text + ("x" if name == damaged else "")
            archive.writestr(zipfile.ZipInfo(name, time), content)
        record += "sample-1.dist-info/RECORD,,\n"
        archive.writestr(zipfile.ZipInfo("sample-1.dist-info/RECORD"), record)
    return file


def test_a_good_wheel_has_no_finding(tmp_path: Path) -> None:
    assert verify_wheel(wheel(tmp_path, GOOD)) == []


def test_a_file_that_is_not_what_the_record_says(tmp_path: Path) -> None:
    findings = verify_wheel(wheel(tmp_path, GOOD, damaged="sample/__init__.py"))
    assert "sample/__init__.py" in findings[0].what


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sample/__pycache__/a.cpython-311.pyc", "is compiled"),
        ("tests/test_a.py", "top-level package"),
        ("other/__init__.py", "no py.typed"),
    ],
)
def test_a_file_that_does_not_belong(tmp_path: Path, name: str, what: str) -> None:
    findings = verify_wheel(wheel(tmp_path, {**GOOD, name: ""}))
    assert any(what in finding.what for finding in findings)


def test_the_time_of_a_build(tmp_path: Path) -> None:
    findings = verify_wheel(wheel(tmp_path, GOOD, time=(2031, 5, 6, 7, 8, 10)))
    assert {finding.where for finding in findings} == set(GOOD)


@pytest.mark.parametrize(
    ("line", "instead", "what"),
    [
        ("Requires-Python: >=3.11", "Requires-Python: >=3.11,<3.12", "shuts out newer versions"),
        ("Requires-Python: >=3.11", "Requires-Python: ==3.11.7", "shuts out newer versions"),
        ("Summary: A sample\n", "", "summary"),
        (
            "Author: Somebody",
            "Requires-Dist: x @ https://example.invalid/x.whl\nAuthor: Somebody",
            "by address",
        ),
        ("Version: 1", "Version: not a version", "version"),
    ],
)
def test_metadata_that_users_or_an_index_would_stumble_over(
    tmp_path: Path, line: str, instead: str, what: str
) -> None:
    files = {**GOOD, "sample-1.dist-info/METADATA": METADATA.replace(line, instead)}
    findings = verify_wheel(wheel(tmp_path, files))
    assert any(what in finding.what for finding in findings), findings
