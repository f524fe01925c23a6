import enum
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.types import TypeEngine
from sqlmodel_framework import Target
from sqlmodel_framework.engines.postgres.types import formatted_type


class Mood(enum.Enum):
    GOOD = 1


TYPES: list[TypeEngine[Any]] = [
    sa.Integer(), sa.BigInteger(), sa.SmallInteger(), sa.String(), sa.String(3), sa.Text(), sa.CHAR(2),
    sa.CHAR(), sa.Float(), sa.Float(10), sa.Float(53), sa.REAL(), sa.Double(), sa.Numeric(),
    sa.Numeric(10, 2), sa.Numeric(10), sa.Boolean(), sa.Date(), sa.Time(), sa.Time(timezone=True),
    sa.DateTime(), sa.DateTime(timezone=True),
    pg.TIMESTAMP(precision=3), pg.TIMESTAMP(precision=3, timezone=True), pg.TIME(precision=2, timezone=True),
    sa.Interval(), pg.INTERVAL(fields="DAY TO SECOND", precision=3), pg.INTERVAL(precision=3),
    pg.INTERVAL(fields="YEAR"), sa.LargeBinary(), sa.JSON(), pg.JSONB(), sa.Uuid(), pg.UUID(),
    pg.ARRAY(sa.Integer), pg.ARRAY(sa.String(3)), pg.ARRAY(sa.DateTime(timezone=True)),
    pg.ARRAY(sa.Numeric(3, 1), dimensions=2), pg.INET(), pg.CIDR(), pg.MACADDR(), pg.BIT(), pg.BIT(4),
    pg.BIT(4, varying=True), pg.BIT(varying=True), pg.TSVECTOR(), pg.INT4RANGE(), pg.TSTZRANGE(), pg.MONEY(),
    pg.OID(), sa.Enum("x", "y", name="Mixed Case"), sa.Enum("x", name="plain", schema="public"),
    sa.Enum("x", name="Type", schema="Other Schema"), sa.Enum(Mood), sa.String(5, collation="C"),
]  # fmt: skip


def test_every_type_is_called_what_the_server_calls_it(database: Target) -> None:
    engine = sa.create_engine(database.secret_url())
    with engine.begin() as connection:
        connection.exec_driver_sql('CREATE SCHEMA "Other Schema"')
        metadata = sa.MetaData()
        table = sa.Table("t", metadata, *(sa.Column(f"c{n}", type_) for n, type_ in enumerate(TYPES)))
        metadata.create_all(connection)
        found = connection.exec_driver_sql(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 't'::regclass AND attnum > 0"
        )
        server = {row[0]: row[1] for row in found}
        ours = {
            c.name: formatted_type(str(c.type.compile(dialect=connection.dialect))) for c in table.columns
        }
    engine.dispose()
    assert ours == server


@pytest.mark.parametrize(
    ("compiled", "expected"),
    [("BIGSERIAL", "bigint"), ("int8", "bigint"), ("timestamptz(3)", "timestamp(3) with time zone")],
)
def test_other_names_of_a_type_mean_the_same(compiled: str, expected: str) -> None:
    assert formatted_type(compiled) == expected
