from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.schema import SchemaItem
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
from sqlmodel_framework.engines.base import BaseEngine
from sqlmodel_framework.engines.registry import engine_for

MakeKit = Callable[..., Datakit]

AWKWARD = [
    "select", "user", "table", "Order", "MixedCase", "UPPER", "with space", " edge ", 'a"b', '""', "it's",
    "semi;colon", "a--b", "/*c*/", "per%cent", "%s", "%(x)s", ":bind", "?", "back\\slash", "dot.ted",
    "ünïcödé", "日本語", "e\u0301", "🦆", "$1", "{x}", "[x]", "]", "`", "1st", "line\nbreak", "tab\t",
    "DROP TABLE x", "''); DROP TABLE x; --", "CHECK", "check (1)", "(", ")", ",", "constraint",
    "x" * 60, "sqlite",
]  # fmt: skip
NAMES = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40),
).filter(lambda name: not name.lower().startswith("sqlite_"))

# SQLAlchemy writes what a key refers to as one text, in which dots part names.
REFERRED = NAMES.filter(lambda name: "." not in name)


class Airport(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "one"}
    code: str = Field(primary_key=True)


class Stop(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "two"}
    airport: str = Field(foreign_key="one.airport.code", index=True)


class Airport2(SQLModel, table=True):
    __tablename__ = "airport"
    __table_args__ = {"schema": "two"}
    code: str = Field(primary_key=True)


def family(
    schema: str | None, parent: str, child: str, key: str, other: str, *more: SchemaItem
) -> tuple[Table, Table]:
    metadata = MetaData()
    first = Table(parent, metadata, Column(key, String, primary_key=True), schema=schema)
    second = Table(
        child,
        metadata,
        Column(key, Integer, primary_key=True),
        Column(other, String),
        ForeignKeyConstraint([other], [first.c[key]], name=parent),
        UniqueConstraint(other, name=child),
        Index(other, other),
        *more,
        schema=schema,
    )
    return first, second


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    schema=st.one_of(st.none(), NAMES),
    parent=REFERRED,
    child=NAMES,
    key=REFERRED,
    other=NAMES,
    value=st.sampled_from(AWKWARD),
)
@example(schema="select", parent="table", child="user", key="from", other="order", value="it's")
@example(schema=None, parent="[", child="c.d", key='"', other=").(", value="%s")
@example(schema='.."', parent="'", child="..", key=":x", other=",", value="%s")
def test_rows_go_in_and_come_out_whatever_the_names_are(
    kit: MakeKit, schema: str | None, parent: str, child: str, key: str, other: str, value: str
) -> None:
    assume(parent != child and key != other)
    engine = engine_for(Target("sqlite://"))
    first, second = family(schema, parent, child, key, other)
    try:
        deploy_datakit(kit(first, second), engine.target, engine=engine)
    except DatakitError as error:
        assume("have one name" not in str(error))
        raise
    assert not deploy_datakit(kit(first, second), engine.target, engine=engine).changed
    engine.write_rows(insert(first).values({key: value}))
    engine.write_rows(insert(second).values({key: 1, other: value}))
    check = CheckConstraint(Column(other).op("IS NOT")(Column(key)), name=key)
    first, second = family(schema, parent, child, key, other, check)
    changes = deploy_datakit(kit(first, second), engine.target, engine=engine).changes
    assert [change.split()[:2] for change in changes] == [["add", "check"]]
    assert not deploy_datakit(kit(first, second), engine.target, engine=engine).changed
    joined = select(first.c[key], second.c[other]).join_from(first, second, first.c[key] == second.c[other])
    assert [tuple(row.values()) for row in engine.read_rows(joined)] == [(value,) * len({key, other})]


@pytest.mark.parametrize(
    ("one", "two"),
    [(("s", "item"), ("s", "ITEM")), ((None, "s.item"), ("s", "item")), ((None, "x"), (None, "X"))],
)
def test_names_that_sqlite_takes_for_one_are_refused(
    engine: BaseEngine, kit: MakeKit, one: tuple[str | None, str], two: tuple[str | None, str]
) -> None:
    tables = [
        Table(name, MetaData(), Column("id", Integer, primary_key=True), schema=schema)
        for schema, name in (one, two)
    ]
    with pytest.raises(DatakitError, match="have one name in SQLite|both declare"):
        deploy_datakit(kit(*tables), engine.target, engine=engine)


def test_a_name_that_sqlite_keeps_for_itself_is_refused(engine: BaseEngine, kit: MakeKit) -> None:
    table = Table("Sqlite_things", MetaData(), Column("id", Integer, primary_key=True))
    with pytest.raises(DatakitError, match="belong to SQLite"):
        deploy_datakit(kit(table), engine.target, engine=engine)


def test_a_schema_is_the_first_part_of_a_name_in_one_file(engine: BaseEngine) -> None:
    kit = Datakit(name="stops", version="1", tables=(Stop, Airport, Airport2))
    deployment = deploy_datakit(kit, engine.target, engine=engine)
    assert deployment.existing_schemas == ("one", "two")
    found = engine.read_rows(
        "SELECT name FROM sqlite_master "
        "WHERE sql IS NOT NULL AND type <> 'trigger' AND name NOT LIKE 'datakit%'"
    )
    assert sorted(row["name"] for row in found) == [
        "one.airport",
        "two.airport",
        "two.ix_two_stop_airport",
        "two.stop",
    ]


def test_typed_classes_are_written_and_read_through_a_session(engine: BaseEngine) -> None:
    kit = Datakit(name="stops", version="1", tables=(Airport, Airport2))
    deploy_datakit(kit, engine.target, engine=engine)
    one, two = table_of(Airport), table_of(Airport2)
    with engine.transaction() as connection, Session(connection) as session:
        session.add_all([Airport(code="JFK"), Airport2(code="LGA")])
        session.flush()
        session.exec(update(Airport).where(one.c.code == "JFK").values(code="EWR"))
        session.exec(delete(Airport2).where(two.c.code == "none"))
        session.commit()
    both = select(one.c.code, two.c.code.label("other")).join(two, one.c.code != two.c.code)
    assert engine.read_rows(both) == [{"code": "EWR", "other": "LGA"}]
