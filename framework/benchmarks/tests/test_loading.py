"""The benchmark measures what it names, shown on a few rows; how fast they are is not looked at."""

from __future__ import annotations

import json

import loading
import pytest

LIMITS = {
    "copy_same_columns": ("higher", 0.8),
    "copy_bare": ("higher", None),
    "copy_two_streams": ("higher", None),
    "peer_dlt": ("higher", None),
    "peer_adbc": ("higher", None),
    "peer_dlt_rows": ("higher", None),
    "peer_pandas": ("higher", None),
    "csv": ("higher", 0.8),
    "parquet": ("higher", 0.8),
    "merge_1pct": ("higher", 5),
    "merge_10pct": ("higher", 5),
    "scd2_1pct": ("higher", 5),
    "scd2_10pct": ("higher", 5),
    "memory_1m": ("lower", 150),
    "memory_10m": ("lower", 150),
    "memory_growth": ("lower", 1.1),
}


def test_every_case_is_printed_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    # Each side says for itself how many rows it has moved; the benchmark stops where that is wrong.
    loading.main(["--json", "--scale", "0.001", "--rows", "1000", "--times", "1", "--peers", "all"])
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {figure["case"]: (figure["better"], figure["limit"]) for figure in figures} == LIMITS
    assert all(set(figure) == {"case", "value", "unit", "limit", "better"} for figure in figures)
    assert all(figure["value"] > 0 for figure in figures)
