"""`bazel test //...` is what a submission must pass, and no setting takes a test out of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

# What chooses among tests, or lets one that failed pass by another try.
CHOOSING = re.compile(
    r"--(test_\w*filters?|build_tag_filters|build_tests_only|deleted_packages|flaky_test_attempts|target_pattern_file)\b"
)


def test_no_committed_setting_chooses_among_tests() -> None:
    settings = Path(".bazelrc").read_text().splitlines()
    assert [line for line in settings if CHOOSING.search(line) or re.search(r"\s-//", line)] == []


@pytest.mark.parametrize(
    "line",
    [
        "test --test_tag_filters=-slow",
        "build --build_tests_only",
        "test --test_filter=x",
        "test --test_size_filters=small",
    ],
)
def test_a_setting_that_does_is_seen(line: str) -> None:
    assert CHOOSING.search(line)


def test_what_a_submission_must_pass_is_the_whole_command() -> None:
    commands = [line for line in Path(".ci/run").read_text().splitlines() if "bazelw" in line]
    assert commands == ["exec ./bazelw test //..."]
