"""What stands beside a field is in the database: in PostgreSQL, and in one that has less."""

import enum
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import (
    Column,
    Date,
    Engine,
    Integer,
    MetaData,
    NullPool,
    Table,
    Text,
    create_engine,
    insert,
    inspect,
    text,
)
from sqlalchemy.dialects import mssql, mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import registry
from sqlalchemy.schema import CreateTable
from sqlmodel import Field, Session, SQLModel, select
from sqlmodel_framework import (
    BaseMixin,
    Datakit,
    DatakitError,
    Indexed,
    Target,
    array_of,
    column,
    deploy_datakit,
    json_type,
    sql_type,
)
from sqlmodel_framework.base.tables import table_of
from sqlmodel_framework.engines.sqlite.engine import SqliteEngine


class Apart(BaseMixin, registry=registry()):
    """Tables of this module, apart from those of other tests."""


class OrderState(enum.Enum):
    OPEN = "open"
    SHIPPED = "it's shipped"


class Ordered(BaseMixin):
    """Everything that a field can have, in a mixin."""

    state: OrderState = column(values=OrderState, default=OrderState.OPEN, comment="how far it is")
    channel: Literal["web", "shop"] = column(values=("web", "shop"), default="web")
    tags: list[str] = column(array_of(Text), default_factory=list)
    sizes: list[int] | None = column(array_of(Integer), default=None)
    payload: dict[str, Any] | None = column(json_type(), default=None)
    price: Decimal = column(
        max_digits=12, decimal_places=2, check=lambda price: price >= 0, index=Indexed(where="price > 10")
    )
    count: int = column(server_default="1", check='"count" > 0', check_name="some_are_ordered")
    worth: Decimal | None = column(computed='price * "count"', max_digits=14, decimal_places=2)
    placed: datetime | None = None
    reference: UUID = column(default_factory=uuid4, index=Indexed(unique=True))
    renamed: str | None = column(name="called otherwise", index=True, default=None)


class WebOrder(Ordered, Apart, table=True):
    __table_args__ = {"schema": "fields_web", "comment": "orders of the web"}
    id: int | None = Field(default=None, primary_key=True)


class ShopOrder(Ordered, Apart, table=True):
    __table_args__ = {"schema": "fields_shop"}
    id: int | None = Field(default=None, primary_key=True)


KIT = Datakit(name="fields", version="1", tables=(WebOrder, ShopOrder))
DIALECTS: dict[str, Any] = {"postgresql": postgresql, "sqlite": sqlite, "mssql": mssql, "mysql": mysql}


@pytest.fixture
def engine(database: Target) -> Iterator[Engine]:
    deploy_datakit(KIT, database)
    made = create_engine(database.secret_url(), poolclass=NullPool)
    yield made
    made.dispose()


def ddl(cls: type[SQLModel], dialect: str) -> str:
    table = KIT.metadata().tables[table_of(cls).fullname]
    return str(CreateTable(table).compile(dialect=DIALECTS[dialect].dialect()))


@pytest.mark.parametrize("cls", [WebOrder, ShopOrder])
def test_every_value_comes_back_as_it_went(engine: Engine, cls: Any) -> None:
    values: dict[str, Any] = {
        "state": OrderState.SHIPPED,
        "channel": "shop",
        "tags": ["a", "b, c", 'd"e'],
        "sizes": [1, 2],
        "payload": {"deep": [{"er": None}], "ü": 1.5},
        "price": Decimal("12.34"),
        "count": 3,
        "placed": datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=9))),
        "reference": uuid4(),
        "renamed": "x",
    }
    with Session(engine) as session:
        session.add(cls(**values))
        session.add(cls(price=0))
        session.commit()
    with Session(engine) as session:
        row, plain = session.exec(select(cls).order_by(cls.id)).all()
        assert {name: getattr(row, name) for name in values} == values
        assert row.worth == Decimal("37.02")
        assert row.placed.utcoffset() == timedelta(0)
        assert (plain.state, plain.tags, plain.payload, plain.count) == (OrderState.OPEN, [], None, 1)
        # None is NULL, no JSON value.
        assert session.exec(select(cls.id).where(cls.payload.is_(None))).all() == [plain.id]
        assert session.exec(select(cls.id).where(cls.tags.contains(["a"]))).all() == [row.id]


def test_an_enum_is_a_type_in_the_schema_of_its_table(engine: Engine) -> None:
    with engine.connect() as connection:
        types = connection.execute(
            text(
                "SELECT nspname, typname, array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum "
                "JOIN pg_type t ON t.oid = enumtypid JOIN pg_namespace n ON n.oid = typnamespace "
                "GROUP BY 1, 2 ORDER BY 1"
            )
        )
        assert [tuple(row) for row in types] == [
            ("fields_shop", "order_state", ["open", "it's shipped"]),
            ("fields_web", "order_state", ["open", "it's shipped"]),
        ]


def test_comments_and_indexes_are_there(engine: Engine) -> None:
    inspector = inspect(engine)
    comments = {c["name"]: c["comment"] for c in inspector.get_columns("web_order", schema="fields_web")}
    assert comments["state"] == "how far it is"
    assert inspector.get_table_comment("web_order", schema="fields_web") == {"text": "orders of the web"}
    indexes = {i["name"]: i for i in inspector.get_indexes("web_order", schema="fields_web")}
    assert indexes["ix_fields_web_web_order_reference"]["unique"]
    assert "price > " in indexes["ix_fields_web_web_order_price"]["dialect_options"]["postgresql_where"]
    assert [i["column_names"] for i in indexes.values() if "otherwise" in str(i["name"])] == [
        ["called otherwise"]
    ]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"price": -1}, "web_order_price_check"),
    ({"count": 0}, "some_are_ordered"),
    ({"channel": "fax"}, "web_order_channel_is_known"),
]


@pytest.mark.parametrize(("values", "constraint"), BAD)
def test_the_database_refuses_what_the_class_would(
    engine: Engine, values: dict[str, Any], constraint: str
) -> None:
    with engine.begin() as connection, pytest.raises(IntegrityError, match=constraint):
        connection.execute(insert(table_of(WebOrder)), {"price": 1, "channel": "web", **values})


def test_a_database_with_less_keeps_the_same_promises() -> None:
    engine = SqliteEngine()
    deploy_datakit(KIT, "sqlite://", engine=engine)
    table = table_of(WebOrder)
    with engine.transaction() as connection:
        values = {"tags": ["a"], "payload": {"b": 1}, "state": OrderState.SHIPPED, "price": Decimal(2)}
        connection.execute(insert(table), {"channel": "web", "reference": uuid4(), **values})
        row = connection.execute(table.select()).one()
        assert {name: getattr(row, name) for name in values} == values
        assert row.worth == 2
    bad: list[tuple[dict[str, Any], str]] = [*BAD, ({"state": "lost"}, "web_order_state_is_known")]
    for given, constraint in bad:
        full = {
            "price": 1,
            "channel": "web",
            "state": "open",
            "reference": uuid4().hex,
            "tags": "[]",
            **given,
        }
        names = ", ".join(f'"{name}"' for name in full)
        marks = ", ".join(f":{name}" for name in full)
        with engine.transaction() as connection, pytest.raises(IntegrityError, match=constraint):
            connection.execute(text(f'INSERT INTO "fields_web.web_order" ({names}) VALUES ({marks})'), full)


@pytest.mark.parametrize(
    ("dialect", "lines"),
    [
        ("postgresql", ["state fields_web.order_state NOT NULL", "tags TEXT[] NOT NULL", "payload JSONB"]),
        ("sqlite", ["state VARCHAR(12) NOT NULL", "tags JSON NOT NULL", "payload JSON"]),
        ("mysql", ["state ENUM('open','it''s shipped')", "tags JSON NOT NULL", "payload JSON"]),
        ("mssql", ["state VARCHAR(12) NOT NULL", "tags NVARCHAR(max) NOT NULL", "payload NVARCHAR(max)"]),
    ],
)
def test_each_type_is_what_the_documentation_says(dialect: str, lines: list[str]) -> None:
    text = ddl(WebOrder, dialect)
    for line in lines:
        assert line in text
    # A database that has enums needs no check besides, also after the table was copied.
    assert ("web_order_state_is_known" in text) == (dialect in ("sqlite", "mssql"))


def test_the_fingerprint_is_the_same_in_every_process() -> None:
    lines = [ddl(cls, "postgresql") for cls in (WebOrder, ShopOrder)]
    checks = [line.split()[1] for line in lines[0].splitlines() if line.strip().startswith("CONSTRAINT")]
    assert checks == ["web_order_channel_is_known", "web_order_price_check", "some_are_ordered"]


def test_nothing_is_shared_between_two_tables_of_one_mixin() -> None:
    def parts(cls: type[SQLModel]) -> set[int]:
        table = table_of(cls)
        found: list[Any] = [*table.columns, *table.constraints, *table.indexes, table.info]
        found += [c.info for c in table.columns]
        found += [c.computed for c in table.columns if c.computed is not None]
        found += [c.server_default for c in table.columns if c.server_default is not None]
        found += [c.type for c in table.columns if c.name == "state"]
        return {id(part) for part in found}

    assert not parts(WebOrder) & parts(ShopOrder)


def test_a_field_says_all_of_it_without_a_mixin_of_ours() -> None:
    class Plain(SQLModel, registry=registry()):
        pass

    class Alone(Plain, table=True):
        id: int = Field(primary_key=True)
        size: int = column(check=lambda size: size > 0, index=Indexed())

    table = table_of(Alone)
    assert {index.name for index in table.indexes} == {"ix_alone_size"}
    assert "alone_size_check" in {constraint.name for constraint in table.constraints}


def test_a_name_that_is_made_up_is_never_too_long_for_a_database() -> None:
    name = "long_" * 12

    class Long(Apart, table=True):
        __tablename__ = name
        id: int = Field(primary_key=True)
        size: int = column(check="size > 0", index=Indexed())

    dialect: Any = postgresql.dialect
    text = str(CreateTable(table_of(Long)).compile(dialect=dialect()))
    assert all(len(word) <= 63 for word in text.split())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"computed": "1", "server_default": "1"}, "has no server_default"),
        ({"computed": "1", "primary_key": True}, "no primary key"),
        ({"sa_type": Text, "values": ("a",)}, "leave out sa_type"),
        ({"values": enum.Enum("Numbers", {"ONE": 1})}, "values of Numbers must be texts"),
    ],
)
def test_what_cannot_go_together_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatakitError, match=reason):
        column(**options)


def test_a_moment_is_an_instant_wherever_it_was(engine: Engine) -> None:
    moment = datetime(2024, 3, 31, 2, 30, tzinfo=UTC)
    with Session(engine) as session:
        session.add(WebOrder(price=Decimal(1), placed=moment))
        session.commit()
        session.execute(text("SET TIME ZONE 'Asia/Tokyo'"))
        assert session.exec(select(WebOrder.placed)).all() == [moment]


def test_a_type_in_words_is_written_as_it_stands_and_has_the_values_of_another() -> None:
    table = Table(
        "t",
        MetaData(),
        Column("id", sql_type("integer unsigned", Integer), primary_key=True),
        Column("day", sql_type("day of a year", Date)),
        Column("path", sql_type("ltree")),
    )
    assert table.autoincrement_column is table.c.id
    assert "path ltree" in str(CreateTable(table))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(insert(table).values(id=1, day=date(2025, 1, 2), path="a.b"))
        assert connection.exec_driver_sql("SELECT day FROM t").scalar_one() == "2025-01-02"
        assert connection.execute(table.select()).one() == (1, date(2025, 1, 2), "a.b")
    engine.dispose()
