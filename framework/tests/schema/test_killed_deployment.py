"""A deployment that is killed before any of its statements is finished by the next one."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import CheckConstraint, Engine, Enum, Index, event, text
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, Target, deploy_datakit
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.schema.drift import find_drift
from sqlmodel_framework.schema.planning import plan_datakit
from sqlmodel_framework.testing.plugin import fresh_database

Ask = Callable[..., list[tuple[object, ...]]]


class Statement(PostgresEngine):
    """Sends one statement at a time, and takes every table for a large one."""

    large_table = 0
    steps_at_once = 1


def before() -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    class Item(Base, table=True):
        __table_args__ = {"schema": "shop"}
        id: int = Field(primary_key=True)
        name: str | None = None
        kind: str = Field(sa_type=Enum("a", name="kind", schema="shop"))

    return Datakit(name="shop", version="1", tables=(Item,))


def after() -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    class Owner(Base, table=True):
        __table_args__ = {"schema": "shop"}
        code: str = Field(primary_key=True)

    class Item(Base, table=True):
        __table_args__ = (
            CheckConstraint("id > 0", name="positive"),
            Index("by_name", text("lower(name)")),
            {"schema": "shop", "comment": "items"},
        )
        id: int = Field(primary_key=True)
        name: str = Field(unique=True)
        kind: str = Field(sa_type=Enum("a", "b", name="kind", schema="shop"))
        owner: str | None = Field(default=None, foreign_key="shop.owner.code")

    return Datakit(name="shop", version="2", tables=(Owner, Item))


@contextmanager
def killed_before(number: int) -> Iterator[None]:
    count = 0

    def kill(*_arguments: object) -> None:
        nonlocal count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", kill)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", kill)


def deploy_and_be_killed(target: Target, number: int) -> bool:
    """Whether the deployment, in a process of its own, came to its end before statement `number`."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with killed_before(number):
                deploy_datakit(after(), target, engine=Statement)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return not os.WIFSIGNALED(status)


def test_killing_it_at_any_statement_leaves_what_the_next_one_finishes(
    datakit_server: Target, ask: Ask
) -> None:
    number, finished = 0, False
    while not finished:
        number += 1
        with fresh_database(datakit_server) as target:
            deploy_datakit(before(), target)
            ask(target, "INSERT INTO shop.item VALUES (1, 'one', 'a'), (2, 'two', 'a')")
            finished = deploy_and_be_killed(target, number)
            deploy_datakit(after(), target, engine=Statement)
            assert plan_datakit(after(), target).empty, number
            assert not find_drift("shop", target).drifted, number
            assert ask(target, "SELECT id, name, kind::text FROM shop.item ORDER BY id") == [
                (1, "one", "a"),
                (2, "two", "a"),
            ]
    # Reading, one transaction, and what follows it: fewer would mean that nothing was interrupted.
    assert number > 40
