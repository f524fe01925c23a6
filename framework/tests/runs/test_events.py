"""What those who listen to a run are told, whatever happens."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

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
    Target,
    run_datakit,
)
from sqlmodel_framework.errors import LockedError, StoppedError
from sqlmodel_framework.runs import events
from sqlmodel_framework.runs.event_lines import EventLines
from sqlmodel_framework.runs.telling import Teller

Ask = Callable[..., list[tuple[object, ...]]]


class Told(BronzeTableMixin, table=True):
    __tablename__ = "told"
    __table_args__ = {"schema": "telling"}
    code: str | None = Field(default=None, sa_type=Text)


LOAD = Load(
    table=Told,
    name="codes",
    layer="bronze",
    source=CsvSource(open=lambda: io.BytesIO(b"code\na\nb\n"), name="codes.csv"),
)


def kit(*, good: bool = True, text: str = "code\na\nb\n") -> Datakit:
    file = CsvSource(open=lambda: io.BytesIO(text.encode()), name="codes.csv")
    wrong = select(func.count()).select_from(Told).where(col(Told.code) == ("" if good else "a"))
    return Datakit(
        name="telling",
        version="1",
        tables=(Told,),
        loads=(Load(table=Told, name="codes", layer="bronze", source=file),),
        checks=(Check(name="codes", statement=wrong, because="x"),),
    )


def names(told: list[events.Event]) -> list[str]:
    return [type(event).__name__ for event in told if not isinstance(event, events.LoadProgressed)]


def test_a_retry_skips_what_was_loaded_and_a_repeated_run_loads_nothing(database: Target) -> None:
    run_id = uuid4()
    told: list[events.Event] = []
    with pytest.raises(DatakitError):
        run_datakit(kit(good=False), database, run_id=run_id, on_event=told.append)
    assert names(told)[-2:] == ["Checked", "RunFailed"]
    failed = told[-1]
    assert isinstance(failed, events.RunFailed)
    assert (failed.run_id, failed.error_class, failed.exit_code) == (run_id, "ChecksFailedError", 65)

    told.clear()
    run_datakit(kit(), database, run_id=run_id, on_event=told.append)
    assert names(told) == ["RunStarted", "Deployed", "LoadSkipped", "Checked", "RunFinished"]
    done = told[-1]
    assert isinstance(done, events.RunFinished)
    assert (done.loaded, done.result.loaded, done.result.repeated) == (0, 2, False)

    told.clear()
    run_datakit(kit(), database, run_id=run_id, on_event=told.append)
    assert names(told) == ["RunStarted", "RunFinished"]
    done = told[-1]
    assert isinstance(done, events.RunFinished)
    assert (done.loaded, done.result.repeated) == (0, True)


def test_a_load_that_fails_is_told_with_itself(database: Target) -> None:
    told: list[events.Event] = []
    broken = kit(text="code\na,b\n")
    with pytest.raises(DatakitError):
        run_datakit(broken, database, on_event=told.append)
    assert names(told) == ["RunStarted", "Deployed", "LoadStarted", "LoadFailed", "RunFailed"]
    failed = told[-2]
    assert isinstance(failed, events.LoadFailed)
    assert failed.load is broken.loads[0]
    assert (failed.target, failed.error_class, failed.exit_code) == (database, "ContractError", 65)


def test_what_fails_before_the_first_load_is_told_and_recorded(database: Target, ask: Ask) -> None:
    run_id = uuid4()
    with pytest.raises(DatakitError):
        run_datakit(kit(good=False), database, run_id=run_id)
    ask(database, "ALTER TABLE telling.told ADD extra text")
    told: list[events.Event] = []
    with pytest.raises(DatakitError, match="refused"):
        run_datakit(kit(), database, run_id=run_id, on_event=told.append)
    assert names(told) == ["RunStarted", "RunFailed"]
    ((status, error),) = ask(database, "SELECT status, error FROM datakit.run")
    assert status == "failed"
    assert "refused" in str(error)


def test_a_lock_that_is_held_is_told_and_leaves_the_ledger_alone(database: Target, ask: Ask) -> None:
    run_id = uuid4()
    impatient = Target(database.url, name="t", lock_timeout=0.1)
    told: list[events.Event] = []

    def second(event: events.Event) -> None:
        if isinstance(event, events.LoadStarted):
            with pytest.raises(LockedError):
                run_datakit(kit(), impatient, run_id=run_id, on_event=told.append)

    run_datakit(kit(), database, run_id=run_id, on_event=second)
    assert names(told) == ["RunStarted", "RunFailed"]
    assert ask(database, "SELECT status FROM datakit.run") == [("succeeded",)]


def test_the_row_of_another_run_of_that_id_is_left_alone(database: Target, ask: Ask) -> None:
    run_id = uuid4()
    run_datakit(kit(), database, run_id=run_id)
    with pytest.raises(DatakitError, match="is that of a run of"):
        run_datakit(kit(), database, run_id=run_id, parts=["load"])
    assert ask(database, "SELECT status FROM datakit.run") == [("succeeded",)]


def test_a_listener_that_raises_breaks_nothing_and_the_callers_own_does(
    database: Target, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[events.Event] = []
    good: list[events.Event] = []

    def broken(event: events.Event) -> None:
        heard.append(event)
        raise ValueError("no ear https://me:secret@host/")

    run_datakit(kit(), database, listeners=[broken, good.append])
    assert names(heard) == ["RunStarted", "RunFinished"]
    assert names(good) == ["RunStarted", "Deployed", "LoadStarted", "LoadFinished", "Checked", "RunFinished"]
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert "ValueError: no ear https://host/" in warning

    good.clear()
    with pytest.raises(ValueError, match="no ear"):
        run_datakit(kit(), database, listeners=[good.append], on_event=broken)
    assert names(good) == ["RunStarted", "RunFailed"]


def test_a_signal_that_comes_while_a_listener_works_ends_the_run() -> None:
    def wraps(_event: events.Event) -> None:
        try:
            raise StoppedError("stopped by SIGTERM")
        except StoppedError as error:
            raise RuntimeError("could not send") from error

    with pytest.raises(StoppedError):
        Teller([wraps], None, str)(events.LoadProgressed(LOAD, Target("postgresql://me@h/d"), 1))


def test_progress_is_a_line_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    said: list[tuple[str, Any]] = []
    lines = EventLines(lambda what, values: said.append((what, values.get("bytes"))))
    target = Target("postgresql://me@h/d")
    lines(events.LoadStarted(LOAD, target, 1, 1))
    for number in range(30):
        now = number / 10
        lines(events.LoadProgressed(LOAD, target, number))
    assert said == [("load started", None), ("load progressed", 10), ("load progressed", 20)]
