"""The step `extract`, with a source that is read in the simplest way."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlmodel_framework import Target
from sqlmodel_framework.loading.csv_text import write_csv
from sqlmodel_framework.loading.extraction import Extraction
from sqlmodel_framework.loading.row_hash import row_hash
from sqlmodel_framework.runner import Runner, StepContext
from sqlmodel_framework.runner.extract import extract_step
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS

Ask = Callable[..., list[tuple[object, ...]]]
Run = Callable[..., dict[str, Any]]

KIT = """
from sqlalchemy import Text
from sqlmodel import Field
from sqlmodel_framework import BronzeTableMixin, Datakit, ReferenceTableMixin

class Good(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "stall_bronze"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)

class Plain(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "stall"}
    code: str = Field(primary_key=True)

datakit = Datakit(name="stall", version="1", tables=(Good, Plain))
"""


def open_rows(context: StepContext, extraction: Extraction) -> io.BytesIO:
    assert context.source is not None
    engine = create_engine(context.source.secret_url())
    file = io.BytesIO()
    with engine.connect() as connection:
        connection.execute(text("SET TimeZone = 'UTC'"))
        rows: Any = connection.execute(text(extraction.sql("postgresql"))).all()
        write_csv(file, extraction.columns, rows)
    engine.dispose()
    file.seek(0)
    return file


@pytest.fixture
def run(
    database: Target,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ask: Ask,
) -> Run:
    # Imported once for all tests of a process: a table class cannot be made twice.
    name = "stall_datakit"
    (tmp_path / f"{name}.py").write_text(KIT)
    monkeypatch.syspath_prepend(tmp_path)
    ask(database, "CREATE SCHEMA shop")
    ask(database, "CREATE TABLE shop.good (code text, price numeric, sold_at timestamptz)")
    ask(
        database,
        "INSERT INTO shop.good VALUES "
        "('a', 1.50, '2024-01-01'), ('', NULL, '2024-01-02'), ('a', 1.5, '2024-01-03')",
    )
    runner = Runner("r", version="1", steps=(extract_step(open_rows), *FRAMEWORK_STEPS))
    endpoint = {"name": "till", "url": database.url.render_as_string()}

    def run_step(step: str, *, exit_code: int = 0, **changes: Any) -> dict[str, Any]:
        spec = {"run_id": str(uuid4()), "datakit": name, "step": step, "target": endpoint}
        if step == "extract":
            spec |= {"source": endpoint, "parameters": {"tables": {"stall_bronze.good": "shop.good"}}}
        path = tmp_path / "spec.json"
        path.write_text(json.dumps(spec | changes))
        assert runner.main(["run", "--spec", str(path)]) == exit_code
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return report

    run_step("deploy")
    return run_step


def test_rows_are_appended_once_with_their_hash_and_their_origin(
    run: Run, database: Target, ask: Ask
) -> None:
    report = run("extract")
    assert [(t["table"], t["layer"], t["read"], t["written"]) for t in report["tables"]] == [
        ("shop.good", "bronze", 3, 3)
    ]
    assert run("extract")["tables"][0]["written"] == 0
    rows = ask(
        database,
        "SELECT code, price, source_system, source_table, extraction_method, run_id::text, row_hash "
        "FROM stall_bronze.good ORDER BY bronze_id",
    )
    origin = ("till", "shop.good", "full", report["run_id"])
    assert [row[:6] for row in rows] == [("a", "1.50", *origin), ("", None, *origin), ("a", "1.5", *origin)]
    hashes = [bytes(row[6]) for row in rows]  # type: ignore[call-overload]
    assert hashes == [row_hash(("a", "1.50")), row_hash(("", None)), row_hash(("a", "1.5"))]


def test_a_window_takes_its_rows(run: Run, database: Target, ask: Ask) -> None:
    window = {"start": "2024-01-02T00:00:00Z", "end": "2024-01-03T00:00:00Z"}
    parameters = {
        "tables": {"stall_bronze.good": "shop.good"},
        "window_column": "sold_at",
        "system": "shop 7",
    }
    assert run("extract", window=window, parameters=parameters)["tables"][0]["written"] == 1
    assert ask(database, "SELECT code, source_system, extraction_method FROM stall_bronze.good") == [
        ("", "shop 7", "incremental")
    ]


def test_without_names_each_bronze_table_is_filled_from_the_table_of_its_own(
    run: Run, database: Target, ask: Ask
) -> None:
    ask(database, "CREATE VIEW public.good AS SELECT 'v' AS code, 1 AS price")
    assert run("extract", parameters={})["tables"][0]["table"] == "good"
    assert ask(database, "SELECT code, price FROM stall_bronze.good") == [("v", "1")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parameters": {"tables": ["shop.good"]}}, "'tables' is no object"),
        ({"parameters": {"tables": {}}}, "'tables' is no object"),
        ({"parameters": {"tables": {"stall.plain": "x"}}}, "'stall.plain', which is no bronze table"),
        ({"parameters": {"tables": {"stall_bronze.good": 7}}}, "'tables.stall_bronze.good' is 7, not a text"),
        ({"parameters": {"window_column": "sold_at"}}, "a window needs the parameter 'window_column'"),
        ({"parameters": {"system": ""}}, "'system' is '', not a text"),
        ({"window": {"start": "2024-01-02T00:00:00Z", "end": "2024-01-03T00:00:00Z"}}, "a window needs"),
        ({"source": None}, "the step 'extract' needs a source"),
        ({"parameters": {"speed": 9}}, "takes no parameter 'speed'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(run: Run, changes: dict[str, Any], expected: str) -> None:
    report = run("extract", exit_code=64, **changes)
    assert expected in report["error"]["message"]
