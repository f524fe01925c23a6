"""Expressions in one spelling, as people write them and as the server prints them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel_framework.engines.sqlserver.expressions import normal_form

from .nowhere import DIALECT, objections

QUOTE = DIALECT.identifier_preparer.quote


def form(expression: str) -> str:
    return normal_form(expression, QUOTE)


@pytest.mark.parametrize(
    ("declared", "printed", "form_of_both"),
    [
        ("0", "((0))", "0"),
        ("-1", "((-1))", "-1"),
        ("N'a'", "('a')", "'a'"),
        ("'ü'", "(N'ü')", "N'ü'"),
        ("CURRENT_TIMESTAMP", "(getdate())", "getdate()"),
        ("SYSUTCDATETIME()", "(sysutcdatetime())", "sysutcdatetime()"),
        ("a > 0", "([a]>(0))", "a > 0"),
        ("(a > 0) AND ((b < 1))", "([a]>(0) AND [b]<(1))", "a > 0 AND b < 1"),
        ("a != 0", "([a]<>(0))", "a <> 0"),
        ("code IN ('a', 'b')", "([code]='b' OR [code]='a')", "code = 'b' OR code = 'a'"),
        ("a BETWEEN 1 AND 5", "([a]>=(1) AND [a]<=(5))", "a >= 1 AND a <= 5"),
        ("[si ze] is not null", "([si ze] IS NOT NULL)", "[si ze] IS NOT NULL"),
        ('"order" = 1', "([order]=(1))", "[order] = 1"),
        ("cast(a AS varchar(10))", "(CONVERT([varchar](10),[a]))", "CONVERT(varchar(10), a)"),
        ("CONVERT(varchar(9), a, 126)", "(CONVERT([varchar](9),[a],(126)))", "CONVERT(varchar(9), a, 126)"),
        ("LEN(code) > 3", "(len([code])>(3))", "len(code) > 3"),
        ("code LIKE 'a%' ESCAPE '!'", "([code] like 'a%' escape '!')", "code LIKE 'a%' ESCAPE '!'"),
        (
            "CASE WHEN a > 0 THEN 'x' ELSE NULL END",
            "(case when [a]>(0) then 'x' else NULL end)",
            "CASE WHEN a > 0 THEN 'x' ELSE NULL END",
        ),
        ("a - (b - c)", "([a]-([b]-[c]))", "a - (b - c)"),
        ("(a - b) - c", "(([a]-[b])-[c])", "a - b - c"),
        ("(a + b) * 2", "(([a]+[b])*(2))", "(a + b) * 2"),
        ("a > 0 OR b > 0 AND c > 0", "([a]>(0) OR [b]>(0) AND [c]>(0))", "a > 0 OR b > 0 AND c > 0"),
        ("(a > 0 OR b > 0) AND c > 0", "(([a]>(0) OR [b]>(0)) AND [c]>(0))", "(a > 0 OR b > 0) AND c > 0"),
        ("NOT (a = 1 OR b = 2)", "(NOT ([a]=(1) OR [b]=(2)))", "NOT (a = 1 OR b = 2)"),
        ("dbo.F(a)", "([dbo].[F]([a]))", "dbo.[F](a)"),
        ("code COLLATE Latin1_General_BIN = 'a'", "([code] COLLATE Latin1_General_BIN='a')", None),
    ],
)
def test_both_are_one(declared: str, printed: str, form_of_both: str | None) -> None:
    assert form(declared) == form(printed)
    assert form(declared) == (form_of_both or form(declared))
    assert form(form(declared)) == form(declared)


@pytest.mark.parametrize(
    ("unread", "kept"),
    [
        ("NEXT VALUE FOR shop.n", "NEXT VALUE FOR shop.n"),
        ("(NEXT VALUE FOR shop.n)", "NEXT VALUE FOR shop.n"),
        ("a > 0 -- not b", "a > 0 -- not b"),
        ("(a > (SELECT 1)) AND (b)", "(a > (SELECT 1)) AND (b)"),
        ("(a  = '(  )' /* ( */", "(a  = '(  )' /* ( */"),
    ],
)
def test_what_is_not_read_is_left_as_it_is(unread: str, kept: str) -> None:
    assert form(unread) == kept


OPERANDS = st.sampled_from(["a", "1", "-1", "'x'", "[b c]", "len(a)", "NULL"])


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "/", "%", "&"])
    return st.tuples(inner, signs, inner).map(lambda found: f"({found[0]}) {found[1]} ({found[2]})")


NUMBERS = st.recursive(OPERANDS, compound, max_leaves=5)
COMPARISONS = st.tuples(NUMBERS, st.sampled_from(["=", "<>", "<"]), NUMBERS).map(" ".join)


def joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda f: f"({f[0]}) {f[1]} ({f[2]})"),
        inner.map(lambda found: f"NOT ({found})"),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(COMPARISONS, joined, max_leaves=4))
def test_a_form_is_a_form_of_itself_and_t_sql(expression: str) -> None:
    once = form(expression)
    assert form(once) == once
    assert form(f"(({once}))") == once
    assert once.count("(") <= expression.count("(")


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["7", "3", "2"]),
        lambda inner: st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(
            lambda found: f"({found[0]} {found[1]} {found[2]})"
        ),
        max_leaves=6,
    )
)
def test_parentheses_go_only_where_nothing_changes(expression: str) -> None:
    # What is sum and product to Python is the same to the server.
    assert eval(form(expression)) == eval(expression)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["1 = 1", "1 = 2"]),
        joined,
        max_leaves=6,
    )
)
def test_conditions_mean_what_they_meant(expression: str) -> None:
    def value(text: str) -> object:
        return eval(
            text.replace(" = ", " == ").replace("AND", "and").replace("OR", "or").replace("NOT", "not")
        )

    assert value(form(expression)) == value(expression)


def test_a_form_is_t_sql() -> None:
    assert objections(f"SELECT 1 FROM t WHERE {form('a IN (1, 2) AND NOT (b BETWEEN 1 AND 2)')}") == []
