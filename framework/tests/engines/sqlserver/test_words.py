"""Names and texts within statements."""

import pytest
from sqlmodel_framework.engines.sqlserver.queries import widened
from sqlmodel_framework.engines.sqlserver.renaming import renaming_column
from sqlmodel_framework.engines.sqlserver.words import mentions, with_name
from sqlmodel_framework.schema.snapshot import CheckShape, ColumnShape, TableShape

from .nowhere import DIALECT, objections

quote = DIALECT.identifier_preparer.quote


@pytest.mark.parametrize(
    ("expression", "name", "found"),
    [
        ("a > 0", "a", True),
        ("len(a) > 0", "a", True),
        ("ab > 0", "a", False),
        ("b <> 'a'", "a", False),
        ("b <> 'it''s a' AND a > 0", "a", True),
        ("[a b] > 0", "[a b]", True),
        ("[a b] > 0", "a", False),
        ("[x a y] > 0", "a", False),
        ("[a]]b] > 0", "[a]]b]", True),
        (None, "a", False),
    ],
)
def test_a_name_is_found_as_a_name(expression: str | None, name: str, found: bool) -> None:
    assert mentions(expression, name) is found


def test_a_text_stays_as_it_is_when_a_name_changes() -> None:
    assert with_name("a <> 'a' AND len(a) > [x a y]", "a", "[b c]") == "[b c] <> 'a' AND len([b c]) > [x a y]"


def test_what_stands_on_a_column_that_is_renamed_goes_and_comes_again() -> None:
    shape = TableShape(
        columns={"a": ColumnShape("int"), "c": ColumnShape("(computed)", generated="(a + 1) PERSISTED")},
        checks={"good": CheckShape("a <> 'a'"), "(check: a > 0)": CheckShape("b > 0")},
    )
    found = renaming_column("shop.item", shape, "a", "x]y", quote)
    assert found == [
        "ALTER TABLE shop.item DROP CONSTRAINT good",
        "ALTER TABLE shop.item DROP COLUMN c",
        "EXEC sys.sp_rename N'shop.item.a', N'x]y', N'COLUMN'",
        "ALTER TABLE shop.item ADD CONSTRAINT good CHECK ([x]]y] <> 'a')",
        "ALTER TABLE shop.item ADD c AS ([x]]y] + 1) PERSISTED",
    ]
    for sql in found:
        assert objections(sql) == []


@pytest.mark.parametrize(
    ("sql", "wide"),
    [
        ("SELECT 'ü'", "SELECT N'ü'"),
        ("SELECT N'ü', n'ü'", "SELECT N'ü', n'ü'"),
        ("SELECT 'u'", "SELECT 'u'"),
        ("SELECT [it's], 'ü'", "SELECT [it's], N'ü'"),
        ("SELECT 'it''s ü' AS \"o'ü\" -- 'ü'", "SELECT N'it''s ü' AS \"o'ü\" -- 'ü'"),
        ("SELECT a /* 'ü' */, 'ß'", "SELECT a /* 'ü' */, N'ß'"),
    ],
)
def test_a_text_of_any_letters_says_so(sql: str, wide: str) -> None:
    assert widened(sql) == wide
    assert widened(wide) == wide
