import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Enum, NullPool, create_engine, event, text
from sqlalchemy.orm import registry
from sqlalchemy.schema import DropSchema
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, DatakitError, Target, deploy_datakit
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import LockedError, RefusedChangesError

Ask = Callable[..., list[tuple[object, ...]]]


class Airport(SQLModel, table=True):
    __table_args__ = {"schema": "depot"}
    faa: str = Field(primary_key=True, max_length=3)
    name: str | None = None


class Stop(SQLModel, table=True):
    __table_args__ = {"schema": "depot_two"}
    id: int | None = Field(default=None, primary_key=True)
    airport: str = Field(foreign_key="depot.airport.faa")
    kind: str = Field(sa_type=Enum("short", "long", name="stop_kind", schema="depot_two"))


class Plain(SQLModel, table=True):
    id: int = Field(primary_key=True)


KIT = Datakit(name="depot", version="1", tables=(Stop, Airport, Plain))


@contextmanager
def counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def wide_kit(tables: int) -> Datakit:
    class Base(SQLModel, registry=registry()):
        pass

    fields = {"id": Field(primary_key=True), "__annotations__": {"id": int}, "__module__": __name__}
    make: Any = type(SQLModel)
    classes = [
        make(f"T{number}", (Base,), {**fields, "__table_args__": {"schema": "wide"}}, table=True)
        for number in range(tables)
    ]
    return Datakit(name="wide", version="1", tables=tuple(classes))


def test_deploying_creates_what_is_missing_and_says_so(database: Target, ask: Ask) -> None:
    deployment = deploy_datakit(KIT, database)
    assert deployment.created_schemas == ("depot", "depot_two")
    assert sorted(deployment.created_tables) == ["depot.airport", "depot_two.stop", "plain"]
    assert deployment.existing_tables == ()
    assert deployment.changed
    assert deployment.fingerprint == KIT.fingerprint()
    assert ask(database, "SELECT count(*) FROM depot_two.stop") == [(0,)]


def test_deploying_again_changes_nothing(database: Target, ask: Ask) -> None:
    deploy_datakit(KIT, database)
    before = ask(database, "SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid")
    again = deploy_datakit(KIT, database)
    assert not again.changed
    assert again.existing_schemas == ("depot", "depot_two")
    assert sorted(again.existing_tables) == ["depot.airport", "depot_two.stop", "plain"]
    assert ask(database, "SELECT oid, relname, relfilenode FROM pg_class ORDER BY oid") == before


def test_the_cost_of_doing_nothing_does_not_grow_with_the_tables(database: Target) -> None:
    costs = []
    for tables in (3, 60):
        deploy_datakit(wide_kit(tables), database)
        with counted() as statements:
            assert not deploy_datakit(wide_kit(tables), database).changed
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 8


def test_what_is_missing_later_is_added_to_what_is_there(database: Target) -> None:
    deploy_datakit(Datakit(name="depot", version="1", tables=(Airport,)), database)
    deployment = deploy_datakit(KIT, database)
    assert sorted(deployment.created_tables) == ["depot_two.stop", "plain"]
    assert deployment.existing_tables == ("depot.airport",)


def test_a_deployment_that_created_something_is_in_the_ledger(database: Target, ask: Ask) -> None:
    deploy_datakit(KIT, database)
    deploy_datakit(KIT, database)
    rows = ask(
        database, "SELECT datakit, version, fingerprint, cardinality(created_tables) FROM datakit.deployment"
    )
    assert rows == [("depot", "1", KIT.fingerprint(), 3)]


@pytest.mark.parametrize(
    "ddl",
    [
        "faa varchar(3) PRIMARY KEY",
        "faa char(3) PRIMARY KEY, name varchar",
        "faa varchar(3) PRIMARY KEY, name varchar NOT NULL",
        "faa varchar(3) NOT NULL, name varchar",
    ],
)
def test_a_table_that_differs_becomes_what_is_declared(database: Target, ask: Ask, ddl: str) -> None:
    ask(database, "CREATE SCHEMA depot")
    ask(database, f"CREATE TABLE depot.airport ({ddl})")
    assert deploy_datakit(KIT, database).changed
    assert not deploy_datakit(KIT, database).changed
    ask(database, "INSERT INTO depot.airport (faa) VALUES ('JFK')")
    with pytest.raises(Exception, match="duplicate key"):
        ask(database, "INSERT INTO depot.airport (faa) VALUES ('JFK')")


def test_what_would_be_lost_is_refused_counted_and_allowed_one_by_one(database: Target, ask: Ask) -> None:
    deploy_datakit(KIT, database)
    ask(database, "ALTER TABLE depot.airport ADD x int, ADD y int")
    ask(database, "INSERT INTO depot.airport (faa, x) VALUES ('JFK', 1), ('LGA', 2), ('EWR', NULL)")
    with pytest.raises(RefusedChangesError) as caught:
        deploy_datakit(KIT, database, allow=["drop column depot.airport.y"])
    assert caught.value.exit_code == 65
    assert [(change.id, change.loss) for change in caught.value.changes] == [
        ("drop column depot.airport.x", "2 values")
    ]
    assert "drop column depot.airport.x (loses 2 values)" in caught.value.message
    assert "--allow 'drop column depot.airport.x'" in (caught.value.hint or "")
    assert ask(database, "SELECT count(x) FROM depot.airport WHERE y IS NULL") == [(2,)]
    both = ["drop column depot.airport.x", "drop column depot.airport.y"]
    assert deploy_datakit(KIT, database, allow=both).changes == tuple(both)


def test_every_refusal_is_named_at_once(database: Target, ask: Ask) -> None:
    ask(database, "CREATE SCHEMA depot")
    ask(database, "CREATE TABLE depot.airport (faa text, one int, two int)")
    with pytest.raises(RefusedChangesError) as caught:
        deploy_datakit(KIT, database)
    assert len(caught.value.changes) == 2
    assert ask(database, "SELECT nspname FROM pg_namespace WHERE nspname IN ('depot_two', 'datakit')") == []


def test_a_view_in_a_tables_place_is_refused(database: Target, ask: Ask) -> None:
    ask(database, "CREATE SCHEMA depot")
    ask(database, "CREATE VIEW depot.airport AS SELECT 1 AS faa")
    with pytest.raises(RefusedChangesError, match=r"depot\.airport \(it is a view, not a table"):
        deploy_datakit(KIT, database)


def test_deploying_gives_up_on_a_lock_that_somebody_holds(database: Target) -> None:
    impatient = Target(database.url, name="t", lock_timeout=0.1)
    with holding_the_lock(database), pytest.raises(LockedError, match="in use by another") as caught:
        deploy_datakit(KIT, impatient)
    assert caught.value.exit_code == 75
    assert deploy_datakit(KIT, impatient).changed


@contextmanager
def holding_the_lock(target: Target) -> Iterator[None]:
    engine = PostgresEngine(target)
    with engine.connect(), engine.locked("deploy"):
        yield


def test_deployments_at_the_same_time_create_everything_once(database: Target, ask: Ask) -> None:
    created: list[tuple[str, ...]] = []
    threads = [
        threading.Thread(target=lambda: created.append(deploy_datakit(KIT, database).created_tables))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(map(len, created)) == [0, 0, 0, 3]
    assert ask(database, "SELECT count(*) FROM datakit.deployment") == [(1,)]


def test_a_deployment_that_fails_half_way_leaves_nothing(database: Target, ask: Ask) -> None:
    # The type is in the way of the second table only.
    ask(database, "CREATE SCHEMA depot_two")
    ask(database, "CREATE DOMAIN depot_two.stop AS int")
    with pytest.raises(DatakitError, match="stop"):
        deploy_datakit(KIT, database)
    assert ask(database, "SELECT nspname FROM pg_namespace WHERE nspname IN ('depot', 'datakit')") == []


def test_a_url_is_a_target(database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    assert deploy_datakit(KIT, url).changed
    assert not deploy_datakit(KIT, database.secret_url()).changed


def test_a_user_called_like_the_ledgers_schema_keeps_his_tables_in_public(database: Target, ask: Ask) -> None:
    name = database.url.database
    ask(database, "DROP ROLE IF EXISTS datakit")
    ask(database, "CREATE ROLE datakit LOGIN")
    ask(database, f'GRANT ALL ON DATABASE "{name}" TO datakit')
    ask(database, "GRANT ALL ON SCHEMA public TO datakit")
    target = Target(database.url.set(username="datakit"))
    assert "plain" in deploy_datakit(KIT, target).created_tables
    assert not deploy_datakit(KIT, target).changed
    assert ask(database, "SELECT schemaname FROM pg_tables WHERE tablename = 'plain'") == [("public",)]


NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: len(name.encode()) <= 63)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=NAMES.filter(lambda name: not name.startswith("pg_")), table=NAMES, column=NAMES, key=NAMES)
def test_any_name_is_deployed_as_it_is_written(
    datakit_target: Target, schema: str, table: str, column: str, key: str
) -> None:
    if len({column, key}) == 1 or schema == "datakit":
        return
    engine = create_engine(datakit_target.secret_url(), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))

    class Base(SQLModel, registry=registry()):
        pass

    class Row(Base, table=True):
        __tablename__ = table
        __table_args__ = {"schema": schema}
        one: int = Field(primary_key=True, sa_column_kwargs={"name": key})
        two: str | None = Field(default=None, sa_column_kwargs={"name": column})

    kit = Datakit(name="names", version="1", tables=(Row,))
    assert deploy_datakit(kit, datakit_target).created_tables == (f"{schema}.{table}",)
    assert not deploy_datakit(kit, datakit_target).changed
    with engine.begin() as connection:
        found = connection.execute(
            text(
                "SELECT column_name FROM information_schema.columns "
                "WHERE table_schema = :s AND table_name = :t"
            ),
            {"s": schema, "t": table},
        )
        assert {row[0] for row in found} == {column, key}


def test_what_one_target_was_given_does_not_lack_in_the_next(database: Target, tmp_path: Path) -> None:
    class Base(SQLModel, registry=registry()):
        pass

    class Shelf(Base, table=True):
        id: int = Field(primary_key=True)

    class Book(Base, table=True):
        id: int = Field(primary_key=True)
        shelf: int = Field(foreign_key="shelf.id")

    kit = Datakit(name="library", version="1", tables=(Shelf, Book))
    deploy_datakit(kit, database)
    deploy_datakit(kit, f"sqlite:///{tmp_path}/library.db")
    with closing(sqlite3.connect(tmp_path / "library.db")) as connection:
        (key,) = connection.execute("PRAGMA foreign_key_list(book)").fetchall()
    assert key[2:5] == ("shelf", "shelf", "id")
