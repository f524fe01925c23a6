"""What PostgreSQL is given to keep times and history true."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY, JSON, Column, Computed, Integer, MetaData, Table, Text, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema, DropSchema
from sqlalchemy.sql.elements import quoted_name
from sqlmodel import Field
from sqlmodel_framework import TemporalTableMixin, TransactionalTableMixin
from sqlmodel_framework.base.instants import Forever, Instant, TransactionTime
from sqlmodel_framework.engines.postgres.quoting import KEYWORDS, printed
from sqlmodel_framework.engines.postgres.upkeep import upkeep
from sqlmodel_framework.history import as_of, history_of

from .conftest import PLACES, Place, place_of

postgres = place_of("postgres")


class Thing(TransactionalTableMixin, TemporalTableMixin, table=True):
    __tablename__ = "pg_thing"
    __table_args__ = {"schema": "kept"}
    id: int = Field(primary_key=True)
    size: int | None = None
    facts: dict[str, int] | None = Field(default=None, sa_type=JSON)
    tags: list[str] | None = Field(default=None, sa_type=ARRAY(Text))
    stored: int | None = Field(default=None, sa_column_args=[Computed("size * 2", persisted=True)])
    virtual: int | None = Field(default=None, sa_column_args=[Computed("size * 3", persisted=False)])


class Part(TemporalTableMixin, table=True):
    __tablename__ = "pg_part"
    __table_args__ = {"postgresql_partition_by": "LIST (region)"}
    region: str = Field(primary_key=True)
    id: int = Field(primary_key=True)
    size: int | None = None


class Noted(TransactionalTableMixin, table=True):
    __tablename__ = "pg_noted"
    id: int = Field(primary_key=True)
    size: int | None = None


@pytest.fixture
def things(postgres: Place) -> Place:
    postgres.deploy(Thing)
    return postgres


def sizes(place: Place, model: Any, key: object) -> list[int | None]:
    return [row.size for row in place.rows(history_of(model, key))]


def printed_triggers(place: Place, relation: str) -> dict[str, str]:
    with place.engine.connect() as connection:
        connection.execute(text("SET TimeZone = 'UTC'"))
        # Only then is every name printed with its schema.
        connection.execute(text("SET search_path = ''"))
        query = text(
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = CAST(:r AS regclass)"
        )
        return {row[0]: row[1] for row in connection.execute(query, {"r": relation})}


def printed_routines(place: Place, schema: str) -> dict[str, str]:
    query = text(
        "SELECT format('%I.%I()', n.nspname, p.proname), pg_get_functiondef(p.oid) FROM pg_proc AS p "
        "JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = :schema"
    )
    with place.engine.connect() as connection:
        return {row[0]: row[1].strip() for row in connection.execute(query, {"schema": schema})}


@pytest.fixture(scope="module")
def names_place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with PLACES["postgres"](request) as found:
        yield found


letters = st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_categories=["C"])
names = st.one_of(
    st.sampled_from(sorted(KEYWORDS)),
    st.text(letters, min_size=1, max_size=12),
    st.sampled_from(["Mixed", "a$b", "x1"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schema=names, name=names, column=names, temporal=st.booleans())
def test_definitions_are_written_as_the_database_prints_them(
    names_place: Place, schema: str, name: str, column: str, temporal: bool
) -> None:
    schema = f"{schema}_" if schema.startswith(("pg_", "public")) else schema
    # SQLAlchemy does not know every word that must be quoted.
    schema, name = quoted_name(schema, quote=True), quoted_name(name, quote=True)
    bounds: list[Column[Any]] = [
        Column(
            "valid_from",
            Instant(),
            server_default=TransactionTime(),
            nullable=False,
            info={"datakit": "valid_from"},
        ),
        Column("valid_to", Instant(), server_default=Forever(), nullable=False, info={"datakit": "valid_to"}),
    ]
    table = Table(
        name,
        MetaData(),
        Column(f"{column}_", Integer, primary_key=True),
        Column("updated_at", Instant(), server_default=TransactionTime(), info={"datakit": "updated_at"}),
        *(bounds if temporal else ()),
        schema=schema,
    )
    kept = upkeep(table)
    place = names_place
    with place.engine.begin() as connection:
        connection.execute(CreateSchema(schema))
        for each in (table, *kept.tables):
            each.create(connection)
        place.run(connection, [each.definition for each in kept.routines.values()])
        place.run(connection, [each.definition for each in kept.triggers.values()])
    try:
        found = printed_triggers(place, f"{printed(schema)}.{printed(name)}")
        assert found == {trigger: shape.definition for trigger, shape in kept.triggers.items()}
        assert printed_routines(place, schema) == {n: shape.definition for n, shape in kept.routines.items()}
        # What is deployed again is what is there.
        with place.engine.begin() as connection:
            place.run(connection, [each.definition for each in kept.routines.values()])
    finally:
        with place.engine.begin() as connection:
            connection.execute(DropSchema(schema, cascade=True))


def test_the_words_that_need_quotes_are_the_servers(postgres: Place) -> None:
    with postgres.engine.connect() as connection:
        words = connection.execute(text("SELECT word, quote_ident(word) FROM pg_get_keywords()")).all()
    assert {word for word, quoted in words if word != quoted} == KEYWORDS


def test_every_kind_of_column_is_compared_and_kept(things: Place) -> None:
    things.write("INSERT INTO kept.pg_thing (id, size, facts, tags) VALUES (1, 1, '{\"a\": 1}', '{x,y}')")
    before = things.instant()
    things.write("UPDATE kept.pg_thing SET size = 1, facts = '{\"a\": 1}', tags = '{x,y}'")
    assert sizes(things, Thing, 1) == [1]
    things.write("UPDATE kept.pg_thing SET facts = '{\"a\": 2}'")
    things.write("UPDATE kept.pg_thing SET size = 2, tags = NULL")
    (past,) = things.rows(as_of(Thing, before))
    assert (past.facts, past.tags, past.stored, past.virtual) == ({"a": 1}, ["x", "y"], 2, 3)
    states = things.rows(history_of(Thing, 1))
    assert [(row.size, row.facts, row.stored, row.virtual) for row in states] == [
        (1, {"a": 1}, 2, 3),
        (1, {"a": 2}, 2, 3),
        (2, {"a": 2}, 4, 6),
    ]


def test_copy_and_upserts_are_kept_like_any_other_change(things: Place) -> None:
    with things.engine.connect() as connection:
        driver: Any = connection.connection
        with driver.cursor() as cursor:
            cursor.copy_expert("COPY kept.pg_thing (id, size) FROM STDIN", StringIO("1\t1\n2\t2\n"))
            driver.commit()
            cursor.copy_expert(
                "COPY kept.pg_thing (id, size, valid_from, valid_to) FROM STDIN",
                StringIO("3\t3\t2001-01-01\t2002-01-01\n"),
            )
            driver.commit()
    before = things.instant()
    things.write(
        "INSERT INTO kept.pg_thing (id, size) VALUES (1, 10), (4, 40) "
        "ON CONFLICT (id) DO UPDATE SET size = excluded.size",
    )
    things.write(
        "MERGE INTO kept.pg_thing AS t "
        "USING (VALUES (1, NULL), (2, 20), (5, 50)) AS s (id, size) ON t.id = s.id "
        "WHEN MATCHED AND s.size IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET size = s.size "
        "WHEN NOT MATCHED THEN INSERT (id, size) VALUES (s.id, s.size)"
    )
    assert {row.id: row.size for row in things.rows(as_of(Thing, before))} == {1: 1, 2: 2, 3: 3}
    assert [sizes(things, Thing, n) for n in (1, 2, 3, 4, 5)] == [[1, 10], [2, 20], [3], [40], [50]]
    assert {row.id: row.size for row in things.rows(as_of(Thing, things.instant()))} == {
        2: 20,
        3: 3,
        4: 40,
        5: 50,
    }


def test_what_another_trigger_changes_is_kept_too(things: Place) -> None:
    things.write(
        "CREATE FUNCTION kept.double() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.size := OLD.size * 2; RETURN NEW; END $$",
        "CREATE TRIGGER z_double BEFORE UPDATE ON kept.pg_thing FOR EACH ROW EXECUTE FUNCTION kept.double()",
        "INSERT INTO kept.pg_thing (id, size) VALUES (1, 1)",
    )
    things.write("UPDATE kept.pg_thing SET size = size")
    assert sizes(things, Thing, 1) == [1, 2]


def test_rows_that_a_foreign_key_takes_along_are_kept(things: Place) -> None:
    things.write(
        "CREATE TABLE kept.owner (id int PRIMARY KEY)",
        "ALTER TABLE kept.pg_thing ADD FOREIGN KEY (size) REFERENCES kept.owner "
        "ON DELETE CASCADE ON UPDATE CASCADE",
        "INSERT INTO kept.owner VALUES (1), (2)",
        "INSERT INTO kept.pg_thing (id, size) VALUES (1, 1), (2, 2)",
    )
    before = things.instant()
    things.write("UPDATE kept.owner SET id = 3 WHERE id = 1", "DELETE FROM kept.owner WHERE id = 2")
    assert {row.id: row.size for row in things.rows(as_of(Thing, before))} == {1: 1, 2: 2}
    assert {row.id: row.size for row in things.rows(as_of(Thing, things.instant()))} == {1: 3}


def test_a_plan_that_suits_one_row_does_not_spoil_a_bulk_change(things: Place) -> None:
    rows = 20_000
    things.write(f"INSERT INTO kept.pg_thing (id, size) SELECT n, n FROM generate_series(1, {rows}) AS n")
    with things.engine.connect() as connection:
        connection.execute(text("SET statement_timeout = '60s'"))
        connection.commit()
        for _ in range(8):
            connection.execute(text("UPDATE kept.pg_thing SET size = size + 1 WHERE id = 1"))
            connection.commit()
        # A nested loop over all pairs would take minutes.
        connection.execute(text("UPDATE kept.pg_thing SET size = size + 1"))
        connection.commit()
        kept: Any = connection.execute(text("SELECT count(*) FROM kept.pg_thing_history")).scalar_one()
    assert kept == rows + 8


def test_a_writer_needs_no_right_to_the_history_and_has_none(things: Place) -> None:
    with things.engine.begin() as connection:
        place_name: Any = connection.execute(text("SELECT current_database()")).scalar_one()
        role = f"writer_{place_name}"[:63]
        things.run(
            connection,
            [
                f"CREATE ROLE {role}",
                f"GRANT USAGE, CREATE ON SCHEMA kept TO {role}",
                f"GRANT SELECT, INSERT, UPDATE, DELETE ON kept.pg_thing TO {role}",
            ],
        )
    try:
        with things.engine.connect() as connection:
            things.run(connection, [f"SET ROLE {role}", "INSERT INTO kept.pg_thing (id, size) VALUES (1, 1)"])
            connection.commit()
            things.run(connection, ["UPDATE kept.pg_thing SET size = 2"])
            connection.commit()
            for forged in (
                "UPDATE kept.pg_thing_history SET size = 7",
                "INSERT INTO kept.pg_thing_history (id, valid_from, valid_to) VALUES (1, now(), now())",
                # With a table of the writer's own that looks like ours.
                "CREATE TABLE kept.mine AS SELECT * FROM kept.pg_thing; "
                "CREATE TRIGGER mine AFTER DELETE ON kept.mine REFERENCING OLD TABLE AS old_rows "
                "FOR EACH STATEMENT EXECUTE FUNCTION kept.pg_thing_keep(); DELETE FROM kept.mine",
            ):
                with pytest.raises(DBAPIError, match=r"permission denied|kept\.mine is not the table"):
                    things.run(connection, [forged])
                connection.rollback()
        assert sizes(things, Thing, 1) == [1, 2]
    finally:
        things.write(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_an_update_that_dates_itself_is_kept_like_any_other(things: Place) -> None:
    things.write("INSERT INTO kept.pg_thing (id, size) VALUES (1, 1), (2, 2)")
    [before] = things.rows(history_of(Thing, 2))
    dated = "valid_from = now(), updated_at = now()"
    things.write(f"UPDATE kept.pg_thing SET size = 5, {dated} WHERE id = 1")
    things.write(f"UPDATE kept.pg_thing SET {dated} WHERE id = 2")
    things.write(f"UPDATE kept.pg_thing SET size = 6, {dated}, valid_to = now() WHERE id = 1")
    first, second, third = things.rows(history_of(Thing, 1))
    assert [row.size for row in (first, second, third)] == [1, 5, 6]
    assert (first.valid_to, second.valid_to) == (second.valid_from, third.valid_from)
    assert third.updated_at == third.valid_from < third.valid_to
    # Where nothing was changed, nothing is dated anew.
    assert things.rows(history_of(Thing, 2)) == [before]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
@pytest.mark.parametrize(
    "change",
    ["INSERT INTO kept.pg_thing (id, size) VALUES (1, 3)", "UPDATE kept.pg_thing SET id = 1 WHERE id = 2"],
)
def test_a_transaction_that_cannot_see_a_deletion_does_not_overlap_it(
    things: Place, level: str, change: str
) -> None:
    things.write("INSERT INTO kept.pg_thing (id, size) VALUES (1, 1), (2, 2)")
    with things.engine.connect().execution_options(isolation_level=level) as old:
        things.run(old, ["SELECT 1 FROM kept.pg_thing WHERE id = 2"])
        things.instant()
        things.write("DELETE FROM kept.pg_thing WHERE id = 1")
        deleted = things.instant()
        things.run(old, [change])
        old.commit()
    first, second = things.rows(history_of(Thing, 1))
    assert first.valid_to < deleted < second.valid_from


def test_truncating_what_cannot_be_seen_is_refused(things: Place) -> None:
    things.write("INSERT INTO kept.pg_thing (id) VALUES (1)")
    blind = things.engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with blind, pytest.raises(DBAPIError, match="READ COMMITTED"):
        things.run(blind, ["TRUNCATE kept.pg_thing"])


def test_a_partition_cannot_be_used_to_pass_by_the_history(postgres: Place) -> None:
    postgres.deploy(Part)
    postgres.write(
        "CREATE TABLE pg_part_a PARTITION OF pg_part FOR VALUES IN ('a')",
        "CREATE TABLE pg_part_b PARTITION OF pg_part FOR VALUES IN ('b')",
        "INSERT INTO pg_part (region, id, size) VALUES ('a', 1, 1), ('b', 1, 2)",
        "INSERT INTO pg_part_a (region, id, size, valid_from) VALUES ('a', 2, 3, '2001-01-01')",
    )
    before = postgres.instant()
    postgres.write("UPDATE pg_part_a SET size = 10 WHERE id = 1", "UPDATE pg_part SET size = size")
    postgres.write("UPDATE pg_part SET region = 'b' WHERE id = 2", "DELETE FROM pg_part_b WHERE id = 1")
    after = postgres.instant()
    postgres.write("TRUNCATE pg_part")

    def seen(instant: Any) -> dict[tuple[str, int], int | None]:
        return {(row.region, row.id): row.size for row in postgres.rows(as_of(Part, instant))}

    assert seen(before) == {("a", 1): 1, ("b", 1): 2, ("a", 2): 3}
    assert seen(after) == {("a", 1): 10, ("b", 2): 3}
    assert seen(postgres.instant()) == {}
    assert sizes(postgres, Part, ("a", 1)) == [1, 10]
    definitions = {n: shape.definition for n, shape in upkeep(Part.__table__).triggers.items()}  # type: ignore[attr-defined]
    assert printed_triggers(postgres, "public.pg_part") == definitions


def test_updated_at_alone_costs_one_trigger_and_goes_forward(postgres: Place) -> None:
    postgres.deploy(Noted)
    postgres.write("INSERT INTO pg_noted (id, size) VALUES (1, 1)")
    seen: list[Any] = []

    def note() -> None:
        with postgres.engine.connect() as connection:
            seen.append(connection.execute(text("SELECT updated_at FROM pg_noted")).scalar_one())

    note()
    with postgres.engine.connect() as old:
        postgres.run(old, ["SELECT 1"])
        postgres.instant()
        postgres.write("UPDATE pg_noted SET size = 2")
        note()
        postgres.run(old, ["UPDATE pg_noted SET size = 3"])
        old.commit()
        note()
    assert seen == sorted(set(seen))
    postgres.write("UPDATE pg_noted SET size = 3, updated_at = '2001-01-01'")
    note()
    assert seen[-1] == seen[-2]
    assert len(upkeep(Noted.__table__).triggers) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("isolation", "sizes_of_one"), [("READ COMMITTED", [1, 2, 12]), ("REPEATABLE READ", [1, 11])]
)
def test_updated_at_is_when_the_state_began(things: Place, isolation: str, sizes_of_one: list[int]) -> None:
    things.write("INSERT INTO kept.pg_thing (id, size) VALUES (1, 1), (2, 1)")
    things.instant()
    with things.engine.connect() as late:
        things.run(late, [f"SET TRANSACTION ISOLATION LEVEL {isolation}", "SELECT now()"])
        things.instant()
        if isolation == "READ COMMITTED":
            # Another isolation would refuse to change what somebody else changed meanwhile.
            things.write("UPDATE kept.pg_thing SET size = 2 WHERE id = 1")
        things.run(late, ["UPDATE kept.pg_thing SET size = size + 10"])
        late.commit()
    assert sizes(things, Thing, 1) == sizes_of_one
    for key in (1, 2):
        first, *later = things.rows(history_of(Thing, key))
        assert first.updated_at == first.valid_from == first.created_at
        assert later
        assert [each.updated_at for each in later] == [each.valid_from for each in later]


def test_a_row_that_is_dated_anew_was_updated_then(things: Place) -> None:
    things.write("INSERT INTO kept.pg_thing (id, size) VALUES (1, 1), (2, 1)")
    things.instant()
    with things.engine.connect() as late:
        things.run(late, ["SELECT now()"])
        things.instant()
        things.write("DELETE FROM kept.pg_thing WHERE id = 2")
        things.run(late, ["UPDATE kept.pg_thing SET id = 2 WHERE id = 1"])
        late.commit()
    *_, last = things.rows(history_of(Thing, 2))
    assert last.valid_from > last.created_at
    assert last.updated_at == last.valid_from
