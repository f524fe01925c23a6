"""The framework's steps: what parameters they take, what they refuse, and what they report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from pydantic import JsonValue
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import DatabaseSource, Datakit, Load, RowSource, Target, TerminalError, plan_datakit
from sqlmodel_framework.errors import ContractError, RefusedChangesError
from sqlmodel_framework.runner.step import StepContext
from sqlmodel_framework.runner.steps import FRAMEWORK_STEPS
from sqlmodel_framework.runs.spec import RunSpec
from sqlmodel_framework.testing.plugin import fresh_database

Ask = Callable[..., list[tuple[object, ...]]]

STEPS = {step.name: step for step in FRAMEWORK_STEPS}


def kit(*, note: bool = True, version: str = "1") -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    class Owner(Base, table=True):
        __table_args__ = {"schema": "stepping"}
        code: str = Field(primary_key=True)

    if note:

        class Item(Base, table=True):
            __table_args__ = {"schema": "stepping"}
            code: str = Field(primary_key=True)
            note: str | None = None

        items: type[SQLModel] = Item
    else:

        class Bare(Base, table=True):
            __tablename__ = "item"
            __table_args__ = {"schema": "stepping"}
            code: str = Field(primary_key=True)

        items = Bare

    def rows(table: type[SQLModel], name: str) -> Load:
        source = RowSource(rows=lambda: iter([{"code": "tea"}]), columns=("code",), name=name)
        return Load(table=table, name=name, layer="silver", source=source)

    return Datakit(
        name="stepping",
        version=version,
        tables=(Owner, items),
        loads=(rows(Owner, "owners"), rows(items, "items")),
    )


class Silent:
    """A log that nobody reads."""

    def info(self, event: str, **values: Any) -> None:
        """Say nothing."""

    def warning(self, event: str, **values: Any) -> None:
        """Say nothing."""


@dataclass(kw_only=True)
class Given(StepContext):
    """A run of a datakit that is at hand."""

    kit: Datakit

    def datakit(self) -> Datakit:
        return self.kit


def run(step: str, datakit: Datakit, target: Target, **parameters: JsonValue) -> StepContext:
    context = context_of(step, datakit, target, **parameters)
    carry_out(context)
    return context


def context_of(step: str, datakit: Datakit, target: Target, **parameters: JsonValue) -> StepContext:
    spec = RunSpec(run_id=uuid4(), datakit=datakit.name, step=step, parameters=parameters)
    return Given(spec=spec, log=Silent(), target=target, kit=datakit)


def carry_out(context: StepContext) -> None:
    step = STEPS[context.spec.step]
    context.spec.check_parameters(step.parameters)
    # The default looks for a datakit by its name, and this one has none that could be found.
    if step.prepare is not StepContext.datakit:
        step.prepare(context)
    step.run(context)


def test_load_loads_what_its_parameter_names(database: Target, ask: Ask) -> None:
    run("deploy", kit(), database)
    done = run("load", kit(), database, loads=["silver.items"])
    assert [(table.table, table.written) for table in done.tables] == [("items", 1)]
    assert ask(database, "SELECT count(*) FROM stepping.owner") == [(0,)]
    assert [table.table for table in run("load", kit(), database).tables] == ["owners", "items"]


@pytest.mark.parametrize(
    ("loads", "message"),
    [
        (["silver.sugar"], r"has no load 'silver\.sugar'"),
        ([], "no load is chosen"),
        ("silver.items", "the parameter 'loads' of the step 'load' is no list of texts"),
        ([1], "the parameter 'loads' of the step 'load' is no list of texts"),
    ],
)
def test_loads_that_make_no_sense_are_refused_before_a_database_is_waited_for(
    loads: JsonValue, message: str
) -> None:
    context = context_of("load", kit(), Target("postgresql://nobody@localhost:1/none"), loads=loads)
    with pytest.raises(TerminalError, match=message) as caught:
        STEPS["load"].prepare(context)
    assert caught.value.exit_code == 64


def test_plan_tells_what_would_change_and_changes_nothing(database: Target, ask: Ask) -> None:
    found = run("plan", kit(), database).details
    plan = plan_datakit(kit(), database)
    assert found == {
        "plan_hash": plan.hash,
        "destructive": False,
        "blocked": [],
        "changes": [
            "+ create schema stepping",
            "+ create table stepping.item (2 columns)",
            "+ create table stepping.owner (1 column)",
        ],
        "statements": 3,
    }
    assert ask(database, "SELECT count(*) FROM pg_namespace WHERE nspname IN ('stepping', 'datakit')") == [
        (0,)
    ]


def test_a_deployment_reports_the_hash_of_its_plan(database: Target, ask: Ask) -> None:
    planned = run("plan", kit(), database).details["plan_hash"]
    assert run("deploy", kit(), database).details["plan_hash"] == planned
    assert ask(database, "SELECT plan_hash FROM datakit.deployment") == [(planned,)]
    assert run("plan", kit(), database).details["plan_hash"] == ""
    assert run("deploy", kit(), database).details["plan_hash"] == ""


@pytest.fixture
def noted(database: Target, ask: Ask) -> Target:
    """A target with a note that the next version of the datakit does not have."""
    run("deploy", kit(), database)
    ask(database, "INSERT INTO stepping.item VALUES ('tea', 'green')")
    return database


LOST = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'item' AND column_name = 'note'"


def test_what_destroys_something_is_refused_until_exactly_its_plan_is_approved(
    noted: Target, ask: Ask
) -> None:
    planned = run("plan", kit(note=False), noted).details
    assert planned["destructive"] is True
    assert planned["changes"] == ["! drop column stepping.item.note (loses 1 value)"]
    approved = planned["plan_hash"]

    context = context_of("deploy", kit(note=False), noted)
    with pytest.raises(RefusedChangesError) as caught:
        carry_out(context)
    assert caught.value.exit_code == 65
    assert (
        caught.value.hint == f"look at what `plan` says; if it is meant, run with approved_plan: {approved}"
    )
    assert context.details["plan_hash"] == approved
    assert ask(noted, LOST) == [(1,)]

    done = run("deploy", kit(note=False), noted, approved_plan=approved)
    assert done.details["plan_hash"] == approved
    assert ask(noted, LOST) == [(0,)]


def test_an_approval_is_void_when_the_target_moved(noted: Target, ask: Ask) -> None:
    approved = run("plan", kit(note=False), noted).details["plan_hash"]
    ask(noted, "INSERT INTO stepping.item VALUES ('salt', 'white')")
    context = context_of("deploy", kit(note=False), noted, approved_plan=approved)
    with pytest.raises(RefusedChangesError, match=f"the plan that was approved, {approved}, is another one"):
        carry_out(context)
    assert context.details["plan_hash"] not in ("", approved)
    assert ask(noted, LOST) == [(1,)]


def test_an_approval_is_void_for_another_version_of_the_datakit(noted: Target, ask: Ask) -> None:
    approved = run("plan", kit(note=False), noted).details["plan_hash"]
    with pytest.raises(RefusedChangesError, match="is another one"):
        run("deploy", kit(note=False, version="2"), noted, approved_plan=approved)
    assert ask(noted, LOST) == [(1,)]


@pytest.mark.parametrize("given", ["", "0" * 64])
def test_what_destroys_nothing_needs_no_approval_and_minds_none(database: Target, given: str) -> None:
    done = run("deploy", kit(), database, approved_plan=given)
    assert done.details["plan_hash"] not in ("", "0" * 64)


@pytest.mark.parametrize("given", ["yes", "A" * 64, 1, ["0" * 64]])
def test_an_approval_that_is_no_hash_is_refused_before_a_database_is_waited_for(given: JsonValue) -> None:
    context = context_of("deploy", kit(), Target("postgresql://nobody@localhost:1/none"), approved_plan=given)
    with pytest.raises(TerminalError, match="the parameter 'approved_plan' is no hash of a plan"):
        STEPS["deploy"].prepare(context)


class Base(SQLModel, registry=registry()):
    """Of tables that are filled from another database."""


class Copied(Base, table=True):
    __table_args__ = {"schema": "stepping"}
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    word: str | None = None


class Typed(Base, table=True):
    __table_args__ = {"schema": "stepping"}
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})


@pytest.fixture
def origin(datakit_server: Target, ask: Ask) -> Iterator[Target]:
    """The database that rows come from."""
    with fresh_database(datakit_server) as made:
        ask(made, "CREATE TABLE t AS SELECT n AS id, 'a' AS word FROM generate_series(1, 30) n")
        yield made


def copying(origin: Target) -> Datakit:
    source = DatabaseSource(target=origin, table="t", columns=("id", "word"))
    typed = RowSource(rows=lambda: [{"id": 1}], name="typed in")
    return Datakit(
        name="copying",
        version="1",
        tables=(Copied, Typed),
        loads=(
            Load(table=Copied, name="t", layer="silver", source=source),
            Load(table=Typed, name="typed", layer="silver", source=typed),
        ),
    )


@pytest.fixture
def copied(database: Target, origin: Target) -> Target:
    """A target that holds what the other database has."""
    run("run", copying(origin), database)
    return database


def test_verify_compares_the_loads_that_read_a_database(copied: Target, origin: Target) -> None:
    done = run("verify", copying(origin), copied)
    assert [(check.name, check.offending) for check in done.checks] == [("verify silver.t", 0)]
    assert done.details == {}


def test_verify_compares_what_its_parameter_names(copied: Target, origin: Target) -> None:
    done = run("verify", copying(origin), copied, loads=["silver.typed", "silver.t"])
    assert [check.name for check in done.checks] == ["verify silver.t", "verify silver.typed"]
    with pytest.raises(TerminalError, match=r"has no load 'silver\.sugar'"):
        run("verify", copying(origin), copied, loads=["silver.sugar"])


def test_verify_names_the_chunks_that_differ(copied: Target, origin: Target, ask: Ask) -> None:
    ask(
        copied, "UPDATE stepping.copied SET word = 'b' WHERE id = 7; DELETE FROM stepping.copied WHERE id = 9"
    )
    context = context_of("verify", copying(origin), copied)
    with pytest.raises(ContractError, match=r"differs from its sources in silver\.t") as caught:
        carry_out(context)
    assert caught.value.exit_code == 65
    assert [(check.name, check.offending) for check in context.checks] == [("verify silver.t", 2)]
    differences: Any = context.details["differences"]
    found = differences["silver.t"]
    assert (found["altered"], found["rejected"], found["differing_chunks"]) == (0, 0, 1)
    (chunk,) = found["chunks"]
    assert [chunk[name] for name in ("number", "first", "last", "missing", "changed", "extra")] == [
        1,
        ["1"],
        ["30"],
        1,
        1,
        0,
    ]
    json.dumps(context.details)


def test_verify_is_not_green_where_it_could_not_look(copied: Target, origin: Target, ask: Ask) -> None:
    ask(origin, "DROP TABLE t")
    context = context_of("verify", copying(origin), copied, loads=["silver.typed", "silver.t"])
    with pytest.raises(TerminalError, match=r"silver\.t cannot be verified: "):
        carry_out(context)
    assert [check.name for check in context.checks] == ["verify silver.typed"]


def test_verify_has_to_have_something_to_compare_with() -> None:
    context = context_of("verify", kit(), Target("postgresql://nobody@localhost:1/none"))
    with pytest.raises(TerminalError, match="no load of datakit 'stepping' reads a database"):
        STEPS["verify"].prepare(context)
