"""A run of chosen loads: beside those of others, not beside one of the same table, and known by its loads."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    CsvSource,
    Datakit,
    DatakitError,
    Load,
    TableSource,
    Target,
    TerminalError,
    deploy_datakit,
    run_datakit,
)
from sqlmodel_framework.errors import LockedError
from sqlmodel_framework.runs import events
from sqlmodel_framework.runs.run import Part

Ask = Callable[..., list[tuple[object, ...]]]

TEA, SALT, ITEMS = "bronze.tea", "bronze.salt", "silver.items"


class Tea(BronzeTableMixin, table=True):
    __tablename__ = "chosen_tea"
    __table_args__ = {"schema": "choosing"}
    code: str | None = Field(default=None, sa_type=Text)


class Salt(BronzeTableMixin, table=True):
    __tablename__ = "chosen_salt"
    __table_args__ = {"schema": "choosing"}
    code: str | None = Field(default=None, sa_type=Text)


class Item(SQLModel, table=True):
    __tablename__ = "chosen_item"
    __table_args__ = {"schema": "choosing"}
    code: str = Field(primary_key=True)


def outside(table: type[SQLModel], name: str) -> Load:
    source = CsvSource(open=lambda: io.BytesIO(b"code\na\n"), name=f"{name}.csv", system="t")
    return Load(table=table, name=name, layer="bronze", source=source)


def kit() -> Datakit:
    items = Load(table=Item, name="items", layer="silver", source=TableSource(Tea))
    return Datakit(
        name="choosing",
        version="1",
        tables=(Tea, Salt, Item),
        loads=(outside(Tea, "tea"), outside(Salt, "salt"), items, outside(Tea, "more-tea")),
    )


@pytest.fixture
def deployed(database: Target) -> Target:
    deploy_datakit(kit(), database)
    return database


@pytest.fixture
def impatient(deployed: Target) -> Target:
    return Target(deployed.url, name="t", lock_timeout=0.2)


def load(
    target: Target, *loads: str, run_id: UUID | None = None, on_event: events.OnEvent | None = None
) -> list[str]:
    result = run_datakit(kit(), target, parts=["load"], loads=loads, run_id=run_id, on_event=on_event)
    return [f"{done.layer}.{done.table}" for done in result.loads]


def while_loading(target: Target, *loads: str, work: Callable[[], object]) -> None:
    """Do some work in another session, while these loads hold what they hold."""
    done: list[object] = []

    def once(event: events.Event) -> None:
        if isinstance(event, events.LoadStarted) and not done:
            done.append(work())

    load(target, *loads, on_event=once)
    assert done


def refused(work: Callable[[], object]) -> Callable[[], object]:
    """The work, which must be refused for a lock that somebody else holds."""

    def attempt() -> int:
        with pytest.raises(LockedError) as caught:
            work()
        assert caught.value.exit_code == 75
        return caught.value.exit_code

    return attempt


def test_only_what_was_chosen_is_loaded_in_declared_order(deployed: Target, ask: Ask) -> None:
    assert load(deployed, ITEMS, TEA) == [TEA, ITEMS]
    assert ask(deployed, "SELECT count(*) FROM choosing.chosen_item") == [(1,)]
    assert ask(deployed, "SELECT count(*) FROM choosing.chosen_salt") == [(0,)]
    assert ask(deployed, "SELECT parts, loads FROM datakit.run") == [(["load"], [TEA, ITEMS])]


def test_loads_are_counted_among_those_that_were_chosen(deployed: Target) -> None:
    told: list[events.Event] = []
    load(deployed, SALT, on_event=told.append)
    assert [(e.number, e.total) for e in told if isinstance(e, events.LoadStarted)] == [(1, 1)]
    assert [event.loads for event in told if isinstance(event, events.RunStarted)] == [(SALT,)]


@pytest.mark.parametrize(
    ("loads", "message"),
    [
        (["bronze.sugar", TEA], r"datakit 'choosing' has no load 'bronze\.sugar'"),
        ([], "no load is chosen"),
        (TEA, "no load is chosen"),
    ],
)
def test_a_load_that_is_not_there_is_named_with_those_that_are(
    deployed: Target, loads: list[str], message: str, ask: Ask
) -> None:
    with pytest.raises(TerminalError, match=message) as caught:
        run_datakit(kit(), deployed, parts=["load"], loads=loads)
    assert "it has: bronze.tea, bronze.salt, silver.items, bronze.more-tea" in str(caught.value.hint)
    assert ask(deployed, "SELECT count(*) FROM datakit.run") == [(0,)]


def test_loads_are_chosen_only_for_a_run_that_loads(deployed: Target) -> None:
    with pytest.raises(TerminalError, match="loads are chosen for a run of check, which loads nothing"):
        run_datakit(kit(), deployed, parts=["check"], loads=[TEA])


def test_runs_of_different_loads_work_side_by_side(deployed: Target, impatient: Target, ask: Ask) -> None:
    while_loading(deployed, TEA, work=lambda: load(impatient, SALT))
    assert ask(deployed, "SELECT loads, status FROM datakit.run ORDER BY started_at") == [
        ([TEA], "succeeded"),
        ([SALT], "succeeded"),
    ]


@pytest.mark.parametrize("other", [[TEA], [SALT, TEA], ["bronze.more-tea"]])
def test_what_is_being_loaded_is_not_loaded_by_another_run(
    deployed: Target, impatient: Target, other: list[str], ask: Ask
) -> None:
    while_loading(deployed, TEA, work=refused(lambda: load(impatient, *other)))
    assert ask(deployed, "SELECT status FROM datakit.run") == [("succeeded",)]
    # Of what the other could not hold together, nothing stayed held.
    assert set(load(impatient, *other)) == set(other)


@pytest.mark.parametrize("parts", [["deploy"], ["load"], ["check"], ["deploy", "load", "check"]])
def test_a_whole_run_is_not_beside_chosen_loads(
    deployed: Target, impatient: Target, parts: list[Part]
) -> None:
    while_loading(deployed, TEA, work=refused(lambda: run_datakit(kit(), impatient, parts=parts)))


def test_chosen_loads_are_not_beside_a_whole_run(deployed: Target, impatient: Target) -> None:
    done: list[object] = []

    def second(event: events.Event) -> None:
        if isinstance(event, events.LoadStarted):
            done.append(refused(lambda: load(impatient, SALT))())

    run_datakit(kit(), deployed, on_event=second)
    assert done == [75] * 4


def test_chosen_loads_with_a_deployment_keep_everybody_away(deployed: Target, impatient: Target) -> None:
    done: list[object] = []

    def second(event: events.Event) -> None:
        if isinstance(event, events.LoadStarted):
            done.append(refused(lambda: load(impatient, SALT))())

    run_datakit(kit(), deployed, parts=["deploy", "load"], loads=[TEA], on_event=second)
    assert done == [75]


def test_a_deployment_that_changes_nothing_is_beside_chosen_loads(
    deployed: Target, impatient: Target
) -> None:
    while_loading(deployed, TEA, work=lambda: deploy_datakit(kit(), impatient))


def test_a_connection_that_is_lost_ends_the_run_and_frees_its_tables(
    deployed: Target, impatient: Target, ask: Ask
) -> None:
    def cut() -> object:
        return ask(
            deployed,
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            "WHERE application_name = 'datakit' AND datname = current_database()",
        )

    with pytest.raises(DatakitError) as caught:
        while_loading(deployed, TEA, work=cut)
    assert caught.value.exit_code == 69
    assert load(impatient, TEA) == [TEA]
    assert ask(deployed, "SELECT status FROM datakit.run ORDER BY started_at") == [
        ("failed",),
        ("succeeded",),
    ]


def test_a_dead_run_of_other_loads_is_left_to_those_who_know(deployed: Target, ask: Ask) -> None:
    load(deployed, TEA)
    load(deployed, SALT)
    ask(deployed, "UPDATE datakit.run SET status = 'running', finished_at = NULL")
    load(deployed, "bronze.more-tea")
    found = "SELECT loads, status FROM datakit.run ORDER BY started_at"
    assert ask(deployed, found) == [
        ([TEA], "abandoned"),
        ([SALT], "running"),
        (["bronze.more-tea"], "succeeded"),
    ]
    run_datakit(kit(), deployed)
    assert ask(deployed, found)[1] == ([SALT], "abandoned")


def test_a_run_that_succeeded_does_nothing_when_it_comes_again(deployed: Target, ask: Ask) -> None:
    run_id = uuid4()
    assert load(deployed, TEA, SALT, run_id=run_id) == [TEA, SALT]
    again = run_datakit(kit(), deployed, parts=["load"], loads=[SALT, TEA], run_id=run_id)
    assert again.repeated
    assert ask(deployed, "SELECT count(*) FROM datakit.load") == [(2,)]


@pytest.mark.parametrize("others", [[SALT], [TEA, SALT], None])
def test_a_run_id_that_comes_again_with_other_loads_is_refused(
    deployed: Target, others: list[str] | None, ask: Ask
) -> None:
    run_id = uuid4()
    load(deployed, TEA, run_id=run_id)
    with pytest.raises(TerminalError, match=r"that of a run of load \(only bronze\.tea\) of datakit 'choos"):
        run_datakit(kit(), deployed, parts=["load"], loads=others, run_id=run_id)
    assert ask(deployed, "SELECT loads, status FROM datakit.run") == [([TEA], "succeeded")]


def test_a_retry_in_a_ledger_of_an_earlier_version_is_known(deployed: Target, ask: Ask) -> None:
    run_id = uuid4()
    run_datakit(kit(), deployed, run_id=run_id)
    ask(deployed, "ALTER TABLE datakit.run DROP COLUMN loads")
    assert run_datakit(kit(), deployed, run_id=run_id).repeated
    with pytest.raises(TerminalError, match="that of a run of deploy, load, check of datakit"):
        run_datakit(kit(), deployed, parts=["deploy", "load"], loads=[TEA], run_id=run_id)
    deploy_datakit(kit(), deployed)
    assert ask(deployed, "SELECT loads FROM datakit.run") == [(None,)]
    assert load(deployed, TEA) == [TEA]
