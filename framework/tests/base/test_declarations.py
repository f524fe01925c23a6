from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.dialects import mssql, postgresql
from sqlalchemy.orm import registry
from sqlmodel import Field, col
from sqlmodel_framework import (
    Allow,
    BaseMixin,
    Datakit,
    DatakitError,
    ReferenceTableMixin,
    RenameColumn,
    RenameTable,
    Rows,
    View,
)
from sqlmodel_framework.base.tables import table_of


class Apart(BaseMixin, registry=registry()):
    """Tables of this module, apart from those of other tests."""


class Land(ReferenceTableMixin, Apart, table=True):
    __table_args__ = {"schema": "beside"}
    code: str = Field(primary_key=True, max_length=2)
    name: str | None = None


class Town(Apart, table=True):
    __table_args__ = {"schema": "beside"}
    id: int | None = Field(default=None, primary_key=True)
    name: str
    land: str = Field(foreign_key="beside.land.code")


class Elsewhere(Apart, table=True):
    __table_args__ = {"schema": "beside"}
    id: int = Field(primary_key=True)


TOWNS = View(
    name="towns",
    schema="beside",
    query=select(col(Town.land), func.count().label("towns"))
    .where(col(Town.name) != "it's")
    .group_by(col(Town.land)),
)
BUSY = View(name="busy", query=select(TOWNS.table.c.land).where(TOWNS.table.c.towns > 9))
RAW = View(name="raw", query="WITH x AS (SELECT 1) SELECT * FROM x;")


def kit(**more: Any) -> Datakit:
    return Datakit(name="beside", version="1", tables=(Land, Town), **more)


def test_all_of_it_is_kept_as_it_was_declared() -> None:
    rows = Rows(Land, [Land(code="DE", name="Germany"), Land(code="FR")])
    made = kit(
        views=(TOWNS, BUSY, RAW),
        grants=(
            Allow(privileges=("SELECT",), on=Land, to="reader"),
            Allow(privileges=("SELECT",), on=TOWNS, to="PUBLIC"),
            Allow(privileges=("USAGE",), schema="beside", to="reader"),
        ),
        rows=(rows,),
        renames=(
            RenameTable(old="beside.country", to=Land),
            RenameColumn(table=Town, old="label", new="name"),
        ),
    )
    assert [(right.kind, right.name) for right in made.grants] == [
        ("table", "beside.land"),
        ("view", "beside.towns"),
        ("schema", "beside"),
    ]
    assert made.rows[0].key == ("code",)
    assert [rows.values(row) for row in rows.rows] == [
        {"code": "DE", "name": "Germany", "inactivated_at": None},
        {"code": "FR", "name": None, "inactivated_at": None},
    ]


def test_a_views_query_is_written_in_the_words_of_its_database() -> None:
    query = TOWNS.sql(postgresql.dialect())  # type: ignore[no-untyped-call]
    assert "FROM beside.town" in query
    assert "'it''s'" in query
    assert TOWNS.sql(mssql.dialect()).startswith("SELECT beside.town.land")  # type: ignore[no-untyped-call]
    assert RAW.sql(postgresql.dialect()) == "WITH x AS (SELECT 1) SELECT * FROM x"  # type: ignore[no-untyped-call]
    assert TOWNS.reads() == {"beside.town"}
    assert BUSY.reads() == {"beside.towns"}
    assert TOWNS.table.columns.keys() == ["land", "towns"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"views": (TOWNS, TOWNS)}, "view beside.towns has the name of another view"),
        ({"views": (View(name="land", schema="beside", query="SELECT 1"),)}, "land has the name of a table"),
        ({"views": (BUSY, TOWNS)}, "view busy reads beside.towns, which is neither among"),
        ({"views": (View(name="v", query=select(col(Elsewhere.id))),)}, "view v reads beside.elsewhere"),
        ({"views": ("SELECT 1",)}, "is not one of its views"),
        ({"views": TOWNS}, "views is a View, not a tuple"),
        (
            {"grants": (Allow(privileges=("SELECT",), on=Elsewhere, to="x"),)},
            "a right of .*Elsewhere, which is not among its tables",
        ),
        (
            {"grants": (Allow(privileges=("SELECT",), on=TOWNS, to="x"),)},
            "view beside.towns, which is not among its views",
        ),
        ({"rows": (Rows(Elsewhere, [Elsewhere(id=1)]),)}, "rows of .*Elsewhere, which is not among"),
        ({"rows": (Rows(Land, []), Rows(Land, []))}, "rows of .*Land are declared twice"),
        ({"renames": (RenameTable(old="x", to=Elsewhere),)}, "a rename of .*Elsewhere, which is not among"),
        ({"renames": (RenameTable(old="beside.town", to=Land),)}, "beside.town, which is still declared"),
        (
            {"renames": (RenameTable(old="a", to=Land), RenameTable(old="b", to=Land))},
            "beside.land is renamed twice",
        ),
        (
            {"renames": (RenameTable(old="a", to=Land), RenameTable(old="a", to=Town))},
            "a is renamed twice",
        ),
        ({"renames": (RenameColumn(table=Town, old="a", new="b"),)}, "to b, which beside.town does not have"),
        (
            {"renames": (RenameColumn(table=Town, old="name", new="land"),)},
            "beside.town.name, which is still declared",
        ),
        (
            {
                "renames": (
                    RenameColumn(table=Town, old="a", new="land"),
                    RenameColumn(table=Town, old="b", new="land"),
                )
            },
            "beside.town.land is renamed twice",
        ),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_refused_where_it_is_declared(more: dict[str, Any], reason: str) -> None:
    with pytest.raises(DatakitError, match=reason) as caught:
        kit(**more)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: View(name="", query="SELECT 1"), "a view needs a name"),
        (lambda: View(name="v", query="DROP TABLE x"), "must be a SELECT"),
        (lambda: View(name="v", query=text("SELECT 1")), "is a TextClause, not a SELECT"),  # type: ignore[arg-type]
        (lambda: Allow(privileges=("SELECT",), to="x"), "either on=, a table or a view, or schema="),
        (lambda: Allow(privileges=("SELECT",), to="x", on=Land, schema="s"), "either on="),
        (lambda: Allow(privileges=("READ",), to="x", on=Land), "'READ' is no privilege of a table"),
        (lambda: Allow(privileges=("TRUNCATE",), to="x", on=TOWNS), "no privilege of a view"),
        (lambda: Allow(privileges=("SELECT",), to="x", schema="s"), "no privilege of a schema"),
        (lambda: Allow(privileges="SELECT", to="x", on=Land), "must be a tuple"),  # type: ignore[arg-type]
        (lambda: Allow(privileges=("SELECT",), to="", on=Land), "needs a role"),
        (lambda: Rows(Land, [Town(name="x", land="DE")]), "row 1 is a Town, not a Land"),
        (lambda: Rows(Land, [Land(code="DE"), Land(code="DE")]), "rows 1 and 2 have one key"),
        (lambda: Rows(Town, []), "no key whose values come with the rows"),
    ],
)  # fmt: skip
def test_a_declaration_that_means_nothing_is_refused_by_itself(make: Any, reason: str) -> None:
    with pytest.raises(DatakitError, match=reason):
        make()


def test_a_row_without_its_whole_key_is_refused() -> None:
    class Pair(Apart, table=True):
        first: str = Field(primary_key=True)
        second: str | None = Field(default=None, primary_key=True)

    with pytest.raises(DatakitError, match="row 1 has no second") as caught:
        Rows(Pair, [Pair(first="a")])
    assert (caught.value.table, caught.value.column) == (table_of(Pair).fullname, "second")


def test_the_fingerprint_follows_what_is_beside_the_tables() -> None:
    made = [
        kit(),
        kit(views=(TOWNS,)),
        kit(grants=(Allow(privileges=("SELECT",), on=Land, to="x"),)),
        kit(rows=(Rows(Land, [Land(code="DE")]),)),
        kit(rows=(Rows(Land, [Land(code="FR")]),)),
    ]
    assert len({one.fingerprint() for one in made}) == len(made)
    assert kit(views=(TOWNS,)).fingerprint() == kit(views=(TOWNS,)).fingerprint()
