from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import Field
from sqlmodel_framework import Datakit, DatakitError, ReferenceTableMixin, Target, deploy_datakit
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import LockedError, UnavailableError


class Gate(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "gate"}
    code: str = Field(primary_key=True)


KIT = Datakit(name="gate", version="1", tables=(Gate,))


@contextmanager
def held(target: Target, purpose: str) -> Iterator[None]:
    holder = PostgresEngine(target)
    with holder.connect(), holder.locked(purpose):
        yield


def impatient(target: Target, seconds: float = 0.02) -> PostgresEngine:
    return PostgresEngine(Target(target.url, name="t", lock_timeout=seconds))


def test_a_lock_that_is_held_is_a_clear_error_after_the_timeout(database: Target) -> None:
    engine = impatient(database)
    with held(database, "deploy"):
        with pytest.raises(LockedError) as caught, engine.connect(), engine.locked("deploy"):
            pytest.fail("two hold one lock")
        assert caught.value.message == "target t is in use by another deployment or run"
        assert "0.02 s" in (caught.value.hint or "")
        assert (caught.value.exit_code, caught.value.target) == (75, "t")
    with engine.connect(), engine.locked("deploy"):
        pass


def test_locks_of_other_purposes_and_other_databases_do_not_meet(
    database: Target, datakit_target: Target
) -> None:
    with held(database, "deploy"):
        for target, purpose in ((database, "run x"), (datakit_target, "deploy")):
            engine = impatient(target)
            with engine.connect(), engine.locked(purpose):
                pass


def test_a_deployment_that_failed_lets_go_of_the_lock(database: Target) -> None:
    class Failing(PostgresEngine):
        def create_tables(self, metadata: object) -> None:
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        deploy_datakit(KIT, database, engine=Failing)
    assert deploy_datakit(KIT, Target(database.url, lock_timeout=0.02)).created_schemas == ("gate",)


# PostgreSQL takes a timeout of 0 for none at all, so rounding down would mean waiting for ever. The
# session is told which timeout it has, so that a failure of this test does not hang.
@pytest.mark.parametrize("seconds", [0.0004, 0.001, 0.0015, 2.5])
def test_no_lock_timeout_becomes_an_endless_one(database: Target, seconds: float) -> None:
    engine = impatient(database, seconds)
    with engine.transaction() as connection:
        engine.limit_waiting()
        shown = connection.execute(text("SELECT setting::int FROM pg_settings WHERE name = 'lock_timeout'"))
        assert 1 <= shown.scalar_one() <= max(2, seconds * 1000)


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_lock_timeout_that_is_no_time_is_refused(value: float) -> None:
    with pytest.raises(DatakitError, match="lock_timeout"):
        Target("postgresql://h/d", lock_timeout=value)


def test_a_connection_that_is_lost_lets_go_of_the_lock_and_says_so(database: Target) -> None:
    engine = create_engine(database.secret_url(), poolclass=NullPool)
    kill = text(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE locktype = 'advisory' AND datname = current_database()"
    )
    with (
        engine.connect() as other,
        pytest.raises(UnavailableError, match="the connection was lost"),
        held(database, "deploy"),
    ):
        other.execute(kill)
    engine.dispose()
    assert deploy_datakit(KIT, Target(database.url, lock_timeout=0.02)).changed
