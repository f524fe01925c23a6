"""The benchmark measures what it names, shown on a few tables; how fast they are is not looked at."""

from __future__ import annotations

import json

import planning
import pytest
from declared_tables import declare
from sqlmodel_framework.base.tables import table_of

LIMITS = {
    "noop_vs_catalog": 1.5,
    "noop_vs_alembic": 0.2,
    "noop_query_growth": 0,
    "cold_apply": 1.3,
    "cold_deploy": 2.0,
    "trigger_update": 1.0,
    "trigger_copy": 1.0,
    "import_time": 1.5,
    "import_memory": 1.5,
}


def test_every_case_is_printed_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    planning.main(["--json", "--tables", "20", "--times", "1"])
    figures = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {figure["case"]: figure["limit"] for figure in figures} == LIMITS
    assert all(set(figure) == {"case", "value", "unit", "limit", "better"} for figure in figures)
    assert {figure["better"] for figure in figures} == {"lower"}
    values = {figure["case"]: figure["value"] for figure in figures}
    # A count, which no busy machine changes.
    assert values.pop("noop_query_growth") == 0
    assert all(value > 0 for value in values.values())


def test_each_table_has_20_columns_a_default_an_index_and_a_foreign_key() -> None:
    for cls in declare(3).table_classes():
        table = table_of(cls)
        assert len(table.columns) == 20
        assert len(table.indexes) == len(table.foreign_keys) == 1
        assert len([column for column in table.columns if column.server_default is not None]) == 1
