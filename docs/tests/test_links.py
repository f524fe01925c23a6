"""Every relative link in our documents leads to a file, and every target that they name can be built."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

DOCUMENTS = [Path(name) for name in os.environ["DOCUMENTS"].split() if name.endswith(".md")]
LABELS = frozenset(os.environ["LABELS"].split())
# What a reader of "Copy a runner" makes; that page has a test of its own.
MADE_BY_READERS = "//datakits/census_runner"


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_relative_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in relative if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_targets_that_are_named_exist(document: Path) -> None:
    named = set(re.findall(r"(?<![\w/@:])//[a-z][\w/]*(?::[\w.]+)?", document.read_text(encoding="utf-8")))
    named = {label for label in named if label.partition(":")[0] != MADE_BY_READERS}
    assert named <= LABELS, f"unknown targets: {sorted(named - LABELS)}"


def test_there_are_documents() -> None:
    assert Path("README.md") in DOCUMENTS
    assert len(DOCUMENTS) > 5
