import io
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Text, func, select
from sqlmodel import Field, col
from sqlmodel_framework import (
    BronzeTableMixin,
    Check,
    CsvSource,
    Datakit,
    DatakitError,
    Load,
    ReferenceTableMixin,
    ReportContext,
    TableSource,
    Target,
    run_datakit,
)
from sqlmodel_framework.errors import LockedError
from sqlmodel_framework.runs import events
from sqlmodel_framework.runs.run import ChecksFailedError

Ask = Callable[..., list[tuple[object, ...]]]


class Raw(BronzeTableMixin, table=True):
    __tablename__ = "run_raw"
    __table_args__ = {"schema": "running"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __tablename__ = "run_item"
    __table_args__ = {"schema": "running"}
    code: str = Field(primary_key=True)
    price: int = Field(ge=0)


def write_report(context: ReportContext) -> Path:
    total = context.query(select(func.sum(Item.price).label("total")))[0]["total"]
    path = context.folder / "report.txt"
    path.write_text(f"{context.result.loaded} rows, {total} in total, {context.query('SELECT 5 % 3 AS x')}")
    return path


def kit(text: str, limit: int = 1000) -> Datakit:
    opened = CsvSource(open=lambda: io.BytesIO(text.encode()), name="items.csv", system="t")
    dear = select(func.count()).select_from(Item).where(col(Item.price) > limit)
    return Datakit(
        name="running",
        version="1",
        tables=(Raw, Item),
        loads=(
            Load(table=Raw, name="items", layer="bronze", source=opened),
            Load(table=Item, name="items", layer="silver", source=TableSource(Raw)),
        ),
        checks=(Check(name="prices", statement=dear, because="nothing is that dear"),),
        report=write_report,
    )


GOOD = "code,price\na,1\nb,2\nc,-1\n"


def test_a_run_deploys_loads_checks_and_reports(database: Target, tmp_path: Path) -> None:
    result = run_datakit(kit(GOOD), database, folder=tmp_path / "out")
    assert result.deployment is not None
    assert result.deployment.changed
    assert [(load.layer, load.read, load.accepted, load.rejected, load.loaded) for load in result.loads] == [
        ("bronze", 3, 3, 0, 3),
        ("silver", 3, 2, 1, 2),
    ]
    assert [(check.name, check.offending) for check in result.checks] == [("prices", 0)]
    assert result.report == tmp_path / "out" / "report.txt"
    assert result.report.read_text() == "5 rows, 3 in total, [{'x': 2}]"


def test_a_second_run_loads_nothing(database: Target) -> None:
    run_datakit(kit(GOOD), database)
    again = run_datakit(kit(GOOD), database)
    assert again.loaded == 0
    assert [(load.read, load.accepted, load.rejected) for load in again.loads] == [(3, 3, 0), (3, 2, 1)]


def test_events_tell_the_story_in_order(database: Target, tmp_path: Path) -> None:
    told: list[events.Event] = []
    run_datakit(kit(GOOD), database, folder=tmp_path, on_event=told.append)
    assert [type(event) for event in told if not isinstance(event, events.LoadProgressed)] == [
        events.RunStarted,
        events.Deployed,
        events.LoadStarted,
        events.LoadFinished,
        events.LoadStarted,
        events.LoadFinished,
        events.Checked,
        events.ReportWritten,
        events.RunFinished,
    ]
    assert max(event.bytes_read for event in told if isinstance(event, events.LoadProgressed)) == len(GOOD)


def test_a_run_is_in_the_ledger(database: Target, ask: Ask) -> None:
    result = run_datakit(kit(GOOD), database)
    assert ask(database, "SELECT run_id::text, datakit, status, error FROM datakit.run") == [
        (result.run_id, "running", "succeeded", None)
    ]
    rows = ask(
        database,
        "SELECT layer, table_name, read, accepted, rejected, loaded, reasons "
        "FROM datakit.load ORDER BY load_id",
    )
    assert rows == [
        ("bronze", "running.run_raw", 3, 3, 0, 3, {}),
        ("silver", "running.run_item", 3, 2, 1, 2, {"price is not >= 0": 1}),
    ]


def test_a_check_that_finds_something_fails_the_run_after_its_loads(
    database: Target, tmp_path: Path, ask: Ask
) -> None:
    with pytest.raises(ChecksFailedError, match=r"check 'prices' found 1 \(nothing is that dear\)") as caught:
        run_datakit(kit(GOOD, limit=1), database, folder=tmp_path)
    assert caught.value.exit_code == 65
    assert caught.value.result.loaded == 5
    assert (tmp_path / "report.txt").exists()
    assert ask(database, "SELECT status FROM datakit.run") == [("failed",)]
    assert ask(database, "SELECT count(*) FROM running.run_item") == [(2,)]


def test_a_check_that_returns_no_number_is_a_mistake(database: Target) -> None:
    wrong = Check(name="odd", statement=select(func.min(Item.code)), because="x")
    with pytest.raises(DatakitError, match="check 'odd' returned None"):
        run_datakit(Datakit(name="running", version="1", tables=(Raw, Item), checks=(wrong,)), database)


def test_a_load_that_fails_leaves_its_table_and_the_finished_ones_as_they_were(
    database: Target, ask: Ask
) -> None:
    run_datakit(kit(GOOD), database)
    with pytest.raises(DatakitError, match=r"items\.csv, line 3: it has more fields"):
        run_datakit(kit("code,price\nd,4\ne,5,6\n"), database)
    assert ask(database, "SELECT count(*) FROM running.run_raw") == [(3,)]
    status = ask(database, "SELECT status, error FROM datakit.run ORDER BY started_at")
    assert status[1][0] == "failed"
    assert "items.csv, line 3" in str(status[1][1])
    assert run_datakit(kit("code,price\nd,4\ne,5\n"), database).loads[0].loaded == 2


def test_two_runs_of_one_datakit_do_not_work_at_the_same_time(database: Target) -> None:
    impatient = Target(database.url, name="t", lock_timeout=0.1)
    caught: list[LockedError] = []

    def second_run(event: events.Event) -> None:
        if isinstance(event, events.Deployed):
            with pytest.raises(LockedError) as error:
                run_datakit(kit(GOOD), impatient)
            caught.append(error.value)

    run_datakit(kit(GOOD), database, on_event=second_run)
    assert [error.exit_code for error in caught] == [75]


def test_a_run_on_an_unreachable_target_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatakitError, match="cannot be reached") as caught:
        run_datakit(kit(GOOD), f"postgresql://me@/d?host={tmp_path}")
    assert caught.value.exit_code == 69


def test_a_broken_report_fails_the_run(database: Target, tmp_path: Path, ask: Ask) -> None:
    def broken(_context: ReportContext) -> Path:
        raise ValueError("no chart")

    good = kit(GOOD)
    with pytest.raises(ValueError, match="no chart"):
        run_datakit(
            Datakit(name="running", version="1", tables=good.tables, loads=good.loads, report=broken),
            database,
            folder=tmp_path,
        )
    assert ask(database, "SELECT status, error FROM datakit.run") == [("failed", "ValueError: no chart")]


def test_a_report_cannot_write(database: Target, tmp_path: Path) -> None:
    def writing(context: ReportContext) -> Path:
        context.query("DROP TABLE running.run_item")
        return context.folder

    good = kit(GOOD)
    with pytest.raises(DatakitError, match="read-only transaction"):
        run_datakit(
            Datakit(name="running", version="1", tables=good.tables, loads=good.loads, report=writing),
            database,
            folder=tmp_path,
        )
