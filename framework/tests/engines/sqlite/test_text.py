import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.engines.sqlite.statements import KeyText, read_index, read_table, read_view
from sqlmodel_framework.engines.sqlite.text import (
    default_clause,
    expression,
    mentions,
    tokens,
    with_column_renamed,
    with_table_renamed,
)

ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
NAMES = ANY.filter(bool)
# What a naive reader stumbles over.
PIECES = st.sampled_from(
    [
        *("a", "CHECK", "'", '"', "`", "[", "]", "(", ")", ",", "--x\n", "/*", "*/", "''"),
        *("1", "1.5e3", "x'0f'", " ", "\n", "||"),
    ]
)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@given(st.lists(PIECES).map("".join))
def test_an_expression_without_its_comments_is_made_of_the_same_pieces(sql: str) -> None:
    found = [each.text for each in tokens(sql)]
    assert [each.text for each in tokens(expression(tokens(sql)))] == found


@given(ANY)
def test_a_literal_is_one_piece_whatever_it_holds(text: str) -> None:
    (piece,) = tokens(literal(text))
    assert (piece.kind, piece.value) == ("string", text)


@given(ANY)
def test_a_name_in_quotes_is_one_piece_whatever_it_holds(text: str) -> None:
    (piece,) = tokens(quoted(text))
    assert (piece.kind, piece.value) == ("name", text)


@given(NAMES, NAMES, NAMES, NAMES, ANY)
def test_what_sqlite_itself_makes_of_a_statement_is_read(
    table: str, column: str, other: str, name: str, text: str
) -> None:
    check = f"{quoted(column)} <> {literal(text)}"
    sql = (
        f"CREATE TABLE {quoted('t' + table)} ({quoted(column)} VARCHAR(3) DEFAULT {literal(text)} -- ) , (\n"
        f" CONSTRAINT {quoted(name)} CHECK ({check}) COLLATE NOCASE,"
        f" {quoted(column + other)} INT AS (1 /* ) */ + 2),"
        f" UNIQUE ({quoted(column)}, {quoted(column + other)}),"
        f" FOREIGN KEY ({quoted(column)}) REFERENCES {quoted(other)} ON DELETE SET NULL ON UPDATE CASCADE)"
    )
    connection = sqlite3.connect(":memory:")
    connection.execute(sql)
    (kept,) = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'").fetchone()
    columns = connection.execute(
        "SELECT name, dflt_value FROM pragma_table_xinfo(?)", ("t" + table,)
    ).fetchall()
    connection.close()
    found = read_table(kept)
    assert columns == [(column, literal(text)), (column + other, None)]
    assert found.checks == {name: check}
    assert found.collations == {column: "NOCASE"}
    assert found.generated == {column + other: "1 + 2"}
    assert list(found.uniques.values()) == [(column, column + other)]
    assert list(found.foreign_keys.values()) == [
        KeyText((column,), other, (), on_delete="SET NULL", on_update="CASCADE")
    ]


def test_constraints_of_columns_and_of_the_table_are_told_by_their_names() -> None:
    found = read_table(
        "CREATE TABLE t(a int constraint one unique constraint two references u(x) deferrable"
        " initially deferred,"
        " [check] text default (upper('check (1)')) not null, b default -1 check (b < 0),"
        " primary key (a, b) constraint three check (a > 1) check(a > 2), foreign key (a, b) references u)"
        " WITHOUT ROWID"
    )
    assert found.uniques == {"one": ("a",)}
    assert found.foreign_keys == {
        "two": KeyText(("a",), "u", ("x",), deferrable="INITIALLY DEFERRED"),
        "(foreign key: a, b)": KeyText(("a", "b"), "u"),
    }
    assert found.checks == {"(check: b < 0)": "b < 0", "three": "a > 1", "(check: a > 2)": "a > 2"}
    assert not found.counts


def test_an_index_is_its_parts_and_its_condition() -> None:
    parts, where = read_index("CREATE UNIQUE INDEX i ON t(a, lower(b || ',)'), c DESC) WHERE a > ')' AND (b)")
    assert [expression(part) for part in parts] == ["a", "lower(b || ',)')", "c DESC"]
    assert where == "a > ')' AND (b)"
    assert read_index("CREATE INDEX i ON t(a)")[1] is None


def test_a_view_is_its_query() -> None:
    assert read_view('CREATE VIEW "as" (a, "as") AS SELECT 1 AS a, (SELECT 2) AS b') == (
        "SELECT 1 AS a, (SELECT 2) AS b"
    )


def test_a_default_is_put_in_brackets_unless_it_is_one_value() -> None:
    for plain in ("1", "-1", "'a) b'", "NULL", "CURRENT_TIMESTAMP", "(1 + 2)", "x'00'"):
        assert default_clause(plain) == plain
    for more in ("1 + 2", "'a' || 'b'", "(1) + (2)", "upper('a')"):
        assert default_clause(more) == f"({more})"


def test_a_name_is_mentioned_in_any_quotes_and_any_case_but_not_within_another() -> None:
    for sql in ("a > 1", '"A" > 1', "[a]", "`a`", "x.a"):
        assert mentions(sql, "a")
    for sql in ("ab > 1", "'b a b'", "-- a\n1"):
        assert not mentions(sql, "a")


ATTACHED = [
    'CREATE INDEX "till.i" ON "till.sale" (code DESC, lower("code"), note) WHERE code > \'code\'',
    'CREATE TRIGGER a AFTER UPDATE ON "till.sale" BEGIN UPDATE "till.sale" SET code = note || \'sale\'; END',
    'CREATE TRIGGER b AFTER INSERT ON other BEGIN DELETE FROM "till.sale" WHERE "till.sale".note = 1; END',
    'CREATE VIEW v AS SELECT o.x, s.note FROM other AS o JOIN "till.sale" AS s ON s.note = o.x',
]


@pytest.mark.parametrize("attached", ATTACHED)
@pytest.mark.parametrize("new", ["shop.sale", 'a "b', "code"])
def test_a_renamed_table_is_spoken_of_as_sqlite_would(attached: str, new: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "till.sale" (code text, note text)')
    connection.execute("CREATE TABLE other (x text)")
    connection.execute(attached)
    connection.execute(f'ALTER TABLE "till.sale" RENAME TO {quoted(new)}')
    (found,) = connection.execute("SELECT sql FROM sqlite_master WHERE type <> 'table'").fetchone()
    ours = with_table_renamed(attached, "till.sale", new)
    assert [each.value for each in tokens(ours)] == [each.value for each in tokens(found)]


@pytest.mark.parametrize("attached", ATTACHED[:2])
@pytest.mark.parametrize("new", ["label", 'a "b'])
def test_a_renamed_column_is_spoken_of_as_sqlite_would(attached: str, new: str) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "till.sale" (code text, note text)')
    connection.execute(attached)
    connection.execute(f'ALTER TABLE "till.sale" RENAME COLUMN code TO {quoted(new)}')
    (found,) = connection.execute("SELECT sql FROM sqlite_master WHERE type <> 'table'").fetchone()
    ours = with_column_renamed(attached, "code", new)
    assert [each.value for each in tokens(ours)] == [each.value for each in tokens(found)]
