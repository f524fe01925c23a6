from pathlib import Path

import pytest
from sqlalchemy import MetaData
from sqlmodel import Field, SQLModel
from sqlmodel_framework import BaseEngine, Datakit, DatakitError, Target, deploy_datakit, run_datakit


class Thing(SQLModel, table=True):
    id: int = Field(primary_key=True)
    label: str | None = None


KIT = Datakit(name="things", version="1", tables=(Thing,))


class Recording(BaseEngine):
    seen: list[list[str]] = []

    def create_tables(self, metadata: MetaData) -> None:
        self.seen.append(list(metadata.tables))
        super().create_tables(metadata)


class Minimal(BaseEngine):
    def create_tables(self, metadata: MetaData) -> None:
        self.made = list(metadata.tables)


def test_an_engine_that_overrides_only_create_tables_needs_no_constructor() -> None:
    assert isinstance(Minimal(), BaseEngine)


def test_deploying_calls_the_users_engine_as_an_instance(database: Target) -> None:
    engine = Minimal()
    deployment = deploy_datakit(KIT, database, engine=engine)
    assert engine.made == ["thing"]
    assert deployment.created_tables == ("thing",)


def test_deploying_calls_the_users_engine_as_a_class(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'things.db'}"
    Recording.seen.clear()
    assert deploy_datakit(KIT, url, engine=Recording).created_tables == ("thing",)
    assert deploy_datakit(KIT, url, engine=Recording).changed is False
    assert Recording.seen == [["thing"]]


def test_an_in_memory_database_is_deployed_through_one_connection() -> None:
    assert deploy_datakit(KIT, "sqlite://", engine=BaseEngine).created_tables == ("thing",)


def test_the_base_engine_notices_a_table_that_differs(database: Target) -> None:
    with BaseEngine(database).transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE thing (id integer PRIMARY KEY, label integer)")
    with pytest.raises(DatakitError, match=r"thing\.label \(is integer, declared varchar"):
        deploy_datakit(KIT, database, engine=BaseEngine)


def test_an_engine_that_cannot_load_says_so_before_anything_happens() -> None:
    with pytest.raises(DatakitError, match="BaseEngine can deploy, but not load"):
        run_datakit(KIT, "sqlite://", engine=BaseEngine)


def test_an_engine_without_a_target_or_a_connection_says_so() -> None:
    with pytest.raises(DatakitError, match="has no target"):
        _ = BaseEngine().target
    with pytest.raises(DatakitError, match="is not connected"):
        _ = BaseEngine(Target("sqlite://")).connection
