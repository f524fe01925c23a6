"""A source that only names its database reads the one that a run says, else that of the settings."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Text
from sqlmodel import Field, SQLModel
from sqlmodel_framework import (
    BronzeTableMixin,
    DatabaseSource,
    Datakit,
    Load,
    Target,
    TransformedSource,
    run_datakit,
    verify_datakit,
)
from sqlmodel_framework.errors import DeclarationError, TargetError, TerminalError
from sqlmodel_framework.runs.databases import with_databases
from sqlmodel_framework.runs.describing import describe
from sqlmodel_framework.runs.description import Description
from sqlmodel_framework.testing.plugin import fresh_database

Ask = Callable[..., list[tuple[object, ...]]]

TILL = DatabaseSource(target="till", table="sale")


class NamedRaw(BronzeTableMixin, table=True):
    __tablename__ = "raw"
    __table_args__ = {"schema": "named"}
    number: str = Field(sa_type=Text)


class NamedSale(SQLModel, table=True):
    __tablename__ = "sale"
    __table_args__ = {"schema": "named"}
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})


def doubled(sale: NamedSale) -> dict[str, Any]:
    return {"number": 2 * sale.number}


KIT = Datakit(
    name="named",
    version="1",
    tables=(NamedRaw, NamedSale),
    loads=(
        Load(table=NamedRaw, name="raw", layer="bronze", source=TILL),
        Load(
            table=NamedSale,
            name="sale",
            layer="silver",
            source=TransformedSource(of=TILL, row=doubled, reads=NamedSale),
        ),
    ),
)


@pytest.fixture
def tills(datakit_server: Target, ask: Ask) -> Iterator[tuple[Target, Target]]:
    """Two systems with the same tables: one has the sale 1, the other one the sale 2."""
    with fresh_database(datakit_server) as first, fresh_database(datakit_server) as second:
        for number, till in enumerate((first, second), 1):
            ask(till, f"CREATE TABLE sale AS SELECT {number} AS number")
        yield first, second


def test_a_run_says_which_database_is_read(database: Target, tills: tuple[Target, Target], ask: Ask) -> None:
    test, production = tills

    run_datakit(KIT, database, sources={"till": test})
    assert ask(database, "SELECT number, source_system FROM named.raw") == [("1", "till")]
    assert ask(database, "SELECT number FROM named.sale") == [(2,)]

    run_datakit(KIT, database, sources={"till": production})
    assert ask(database, "SELECT number FROM named.sale ORDER BY 1") == [(2,), (4,)]


def test_else_it_is_looked_up_in_the_settings(
    database: Target, tills: tuple[Target, Target], ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tills[1].secret_url().render_as_string(hide_password=False)
    monkeypatch.setenv("DATAKIT_TARGETS__TILL__URL", url)

    run_datakit(KIT, database, loads=["bronze.raw"], parts=("deploy", "load"))

    assert ask(database, "SELECT number FROM named.raw") == [("2",)]


def test_one_that_nobody_knows_is_told_before_anything_is_done(database: Target, ask: Ask) -> None:
    with pytest.raises(TargetError, match="there is no target 'till'"):
        run_datakit(KIT, database)

    assert ask(database, "SELECT to_regclass('named.raw')") == [(None,)]


def test_a_deployment_needs_no_source(database: Target, ask: Ask) -> None:
    run_datakit(KIT, database, parts=["deploy"])

    assert ask(database, "SELECT count(*) FROM named.raw") == [(0,)]


def test_a_name_that_no_source_has_is_refused(database: Target, tills: tuple[Target, Target]) -> None:
    with pytest.raises(TerminalError, match="reads a database that is called 'tlil'") as caught:
        run_datakit(KIT, database, sources={"tlil": tills[0]})

    assert caught.value.hint == "its sources name: till"


def test_what_was_loaded_is_compared_with_the_database_that_a_run_says(
    database: Target, tills: tuple[Target, Target]
) -> None:
    test, production = tills
    run_datakit(KIT, database, sources={"till": test})

    assert not verify_datakit(KIT, database, loads=["bronze.raw"], sources={"till": test}).differs
    assert verify_datakit(KIT, database, loads=["bronze.raw"], sources={"till": production}).differs


def test_other_loads_stay_as_they_are(tills: tuple[Target, Target]) -> None:
    raw, sale = with_databases(KIT, KIT.loads[1:], {"till": tills[0]}).loads

    assert raw is KIT.loads[0]
    assert isinstance(sale.source, TransformedSource)
    assert isinstance(sale.source.of, DatabaseSource)
    assert sale.source.of.database is tills[0]
    assert (sale.source.system, sale.source.host) == ("till", tills[0].url.host)


def test_the_name_is_in_the_description() -> None:
    known = Description.model_validate_json(describe(KIT).text())

    assert [load.database for load in known.loads] == ["till", "till"]
    assert known.loads[0].kind == "database"


def test_a_url_is_no_name() -> None:
    with pytest.raises(DeclarationError, match="has a URL for the name of a target") as caught:
        DatabaseSource(target="postgresql://me:secret@till/till", table="sale")

    assert "secret" not in str(caught.value)
