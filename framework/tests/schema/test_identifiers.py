from collections.abc import Iterator
from types import new_class

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Index, NullPool, UniqueConstraint, create_engine, inspect, select
from sqlalchemy.orm import registry
from sqlalchemy.schema import CreateSchema, DropSchema
from sqlmodel import Field, Session, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    Datakit,
    DatakitError,
    ReferenceTableMixin,
    Target,
    deploy_datakit,
)
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.errors import RefusedChangesError

AWKWARD = [
    "select", "user", "table", "Order", "MixedCase", "UPPER", "with space", " edge ", 'a"b', '""', "it's",
    "semi;colon", "a--b", "/*c*/", "per%cent", "%s", "%(x)s", ":bind", "back\\slash", "dot.ted", "ünïcödé",
    "日本語", "e\u0301", "🦆", "$1", "{x}", "[x]", "1st", "line\nbreak", "tab\t", "DROP TABLE x",
    "''); DROP SCHEMA public; --", "x" * 63, "é" * 31,
]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(
        st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40
    ).filter(lambda name: len(name.encode()) <= 63),
)
SCHEMAS = NAMES.filter(lambda name: not name.startswith("pg_") and name not in ("public", "datakit"))


@pytest.fixture(scope="module")
def engine(datakit_target: Target) -> Iterator[Engine]:
    made = create_engine(datakit_target.secret_url(), poolclass=NullPool)
    yield made
    made.dispose()


def named(
    schema: str, parent: str, child: str, key: str, other: str
) -> tuple[type[SQLModel], type[SQLModel]]:
    """Two tables of these names; the second refers to the first, and has an index and a unique constraint."""

    class Apart(SQLModel, registry=registry()):
        pass

    class Parent(ReferenceTableMixin, Apart, table=True):
        __tablename__ = parent
        __table_args__ = {"schema": schema}
        one: str = Field(primary_key=True, sa_column_kwargs={"name": key})

    class Child(Apart, table=True):
        __tablename__ = child
        __table_args__ = (UniqueConstraint(other), Index(None, other), {"schema": schema})
        one: int = Field(primary_key=True, sa_column_kwargs={"name": key})
        two: str = Field(sa_column_kwargs={"name": other})

    return Parent, Child


def drop(engine: Engine, schema: str) -> None:
    with engine.begin() as connection:
        connection.execute(DropSchema(schema, cascade=True, if_exists=True))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=SCHEMAS, parent=NAMES, child=NAMES, key=NAMES, other=NAMES, value=st.sampled_from(AWKWARD))
@example(schema="select", parent="table", child="user", key="from", other="order", value="it's")
@example(schema="Mixed", parent="Case", child="case", key="Key", other="key", value="%s")
def test_rows_go_in_and_come_out_whatever_the_names_are(
    datakit_target: Target,
    engine: Engine,
    schema: str,
    parent: str,
    child: str,
    key: str,
    other: str,
    value: str,
) -> None:
    assume(parent != child and key != other and not {key, other} & {"created_at", "updated_at"})
    drop(engine, schema)
    classes = named(schema, parent, child, key, other)
    kit = Datakit(name="names", version="1", tables=classes)
    assert set(deploy_datakit(kit, datakit_target).created_tables) == {
        f"{schema}.{parent}",
        f"{schema}.{child}",
    }
    assert not deploy_datakit(kit, datakit_target).changed
    assert set(inspect(engine).get_table_names(schema)) == {parent, child}
    with Session(engine) as session:
        session.add(classes[0](one=value))
        session.add(classes[1](one=1, two=value))
        session.commit()
        for cls, column in zip(classes, (key, other), strict=True):
            assert session.execute(select(table_of(cls).c[column])).scalars().all() == [value]
    drop(engine, schema)


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_name_of_a_column_is_named_when_dropping_it_is_refused(
    datakit_target: Target, engine: Engine, name: str
) -> None:
    drop(engine, "differing")
    parent, child = named("differing", "parent", "child", "key", name)
    _, bare = named("differing", "parent", "child", "key", f"no {name}"[:20])
    deploy_datakit(Datakit(name="k", version="1", tables=(bare,)), datakit_target)
    kit = Datakit(name="k", version="1", tables=(parent, child))
    with pytest.raises(RefusedChangesError, match=r"drop column differing\.child\.") as caught:
        deploy_datakit(kit, datakit_target)
    assert "\n" not in caught.value.message
    assert inspect(engine).get_table_names("differing") == ["child"]
    (refused,) = caught.value.changes
    assert refused.name == f"differing.child.{f'no {name}'[:20]}"
    deploy_datakit(kit, datakit_target, allow=[refused.id])
    assert [c["name"] for c in inspect(engine).get_columns("child", "differing")][-1] == name
    assert not deploy_datakit(kit, datakit_target).changed
    drop(engine, "differing")


# PostgreSQL cuts longer ones without a word, and then nothing is found again under the name it was given.
@pytest.mark.parametrize("long", ["é" * 40, "x" * 64, "日" * 22], ids=["80 bytes", "64 bytes", "66 bytes"])
@pytest.mark.parametrize("place", ["schema", "table", "column"])
def test_a_name_of_more_than_63_bytes_is_refused_before_anything_is_made(
    database: Target, long: str, place: str
) -> None:
    names = {"schema": "short", "table": "parent", "column": "key", place: long}
    parent, _ = named(names["schema"], names["table"], "child", names["column"], "other")
    with pytest.raises(DatakitError, match="63") as caught:
        deploy_datakit(Datakit(name="k", version="1", tables=(parent,)), database)
    assert caught.value.exit_code == 64
    made = create_engine(database.secret_url(), poolclass=NullPool)
    assert inspect(made).get_schema_names() == ["information_schema", "public"]
    made.dispose()


def test_names_that_differ_in_case_only_are_two_schemas_and_two_tables(database: Target) -> None:
    classes = [cls for schema in ("case", "CASE") for cls in named(schema, "Twin", "twin", "Key", "key")]
    deployment = deploy_datakit(Datakit(name="k", version="1", tables=tuple(classes)), database)
    assert deployment.created_schemas == ("CASE", "case")
    assert sorted(deployment.created_tables) == ["CASE.Twin", "CASE.twin", "case.Twin", "case.twin"]


def test_a_schema_that_is_there_already_is_used_and_said(database: Target) -> None:
    made = create_engine(database.secret_url(), poolclass=NullPool)
    with made.begin() as connection:
        connection.execute(CreateSchema("Has Been"))
    made.dispose()
    deployment = deploy_datakit(
        Datakit(name="k", version="1", tables=named("Has Been", "a", "b", "k", "o")), database
    )
    assert (deployment.created_schemas, deployment.existing_schemas) == ((), ("Has Been",))


def test_a_bronze_table_takes_columns_of_any_name(database: Target) -> None:
    class Apart(SQLModel, registry=registry()):
        pass

    fields = {
        f"field_{n}": Field(default=None, sa_column_kwargs={"name": name}) for n, name in enumerate(AWKWARD)
    }
    content = {
        "__module__": __name__,
        "__table_args__": {"schema": "bronze of any"},
        "__annotations__": dict.fromkeys(fields, str | None),
        **fields,
    }
    raw = new_class("Raw", (BronzeTableMixin, Apart), {"table": True}, lambda body: body.update(content))
    kit = Datakit(name="k", version="1", tables=(raw,))
    assert deploy_datakit(kit, database).changed
    assert not deploy_datakit(kit, database).changed
