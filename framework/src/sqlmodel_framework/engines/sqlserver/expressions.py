"""Expressions in one spelling, whoever wrote them: a person, SQLAlchemy, or the server that prints them.

The server keeps defaults, checks and computed columns as it reads them: names in brackets, numbers in
parentheses, IN as a chain of comparisons, CAST as CONVERT. Nobody can ask it how it would write a declaration
without making one, so both are brought into the form here. What cannot be read is left as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["normal_form"]

Quote = Callable[[str], str]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>N?'(?:[^']|'')*')|(?P<name>\[(?:[^\]]|\]\])+\]|\"(?:[^\"]|\"\")+\")"
    r"|(?P<number>0[xX][0-9A-Fa-f]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d][\w@$#]*)|(?P<sign><>|<=|>=|!=|!<|!>|\|\||[-+*/%&^|~=<>(),.]))",
)
_COMPARISONS = {"=", "<>", "<", ">", "<=", ">="}
_SAME = {"!=": "<>", "!<": ">=", "!>": "<="}
_SUMS = {"+", "-", "&", "^", "|", "||"}
_PRODUCTS = {"*", "/", "%"}
_OR, _AND, _NOT, _COMPARED, _SUM, _PRODUCT, _SIGNED, _ATOM = range(8)
# Words that begin something that is not read here, and could otherwise be taken for a name.
_UNREAD = frozenset({"ALL", "ANY", "AT", "DISTINCT", "EXISTS", "NEXT", "OVER", "SELECT", "SOME"})

Term = tuple[str, int]


def normal_form(expression: str, quote: Quote) -> str:
    """An expression in the one spelling.

    Args:
        expression: as it was written, or as the server prints it.
        quote: how a name is written, with brackets where it must have them.
    """
    try:
        reader = _Reader(_tokens(expression), quote)
        words, _ = reader.disjunction()
        reader.end()
    except _UnreadError:
        return _without_outer(" ".join(expression.split()) if "'" not in expression else expression.strip())
    return words


class _UnreadError(Exception):
    """Something that is not known here."""


def _tokens(expression: str) -> list[tuple[str, str]]:
    found = []
    place, text = 0, expression.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None or text[match.end() - 1 :][:2] in ("--", "/*"):
            raise _UnreadError
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


def _without_outer(text: str) -> str:
    """Without the parentheses around the whole."""
    while text.startswith("(") and text.endswith(")"):
        depth, in_text = 0, False
        for place, character in enumerate(text):
            in_text ^= character == "'"
            depth += 0 if in_text else {"(": 1, ")": -1}.get(character, 0)
            if depth == 0 and place < len(text) - 1:
                return text
        text = text[1:-1].strip()
    return text


def _wrapped(term: Term, least: int) -> str:
    words, strength = term
    return words if strength >= least else f"({words})"


class _Reader:
    """Reads by descent, the weakest operator first, and writes only the parentheses that are needed."""

    def __init__(self, tokens: list[tuple[str, str]], quote: Quote) -> None:
        self.tokens = tokens
        self.quote = quote
        self.place = 0

    # Tokens

    def peek(self) -> str:
        kind, text = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        return text.upper() if kind == "word" else text if kind in ("sign", "") else "value"

    def take(self, *wanted: str) -> bool:
        if self.peek() not in wanted:
            return False
        self.place += 1
        return True

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise _UnreadError

    def end(self) -> None:
        if self.place < len(self.tokens):
            raise _UnreadError

    # Conditions

    def disjunction(self) -> Term:
        return self.chain("OR", _OR, self.conjunction)

    def conjunction(self) -> Term:
        return self.chain("AND", _AND, self.negation)

    def chain(self, word: str, strength: int, part: Callable[[], Term]) -> Term:
        parts = [part()]
        while self.take(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        # A chain in a chain of the same kind needs no parentheses.
        return f" {word} ".join(_wrapped(each, strength) for each in parts), strength

    def negation(self) -> Term:
        if self.take("NOT"):
            return f"NOT {_wrapped(self.negation(), _NOT)}", _NOT
        return self.comparison()

    def comparison(self) -> Term:
        left = self.sum()
        sign = _SAME.get(self.peek(), self.peek())
        if sign in _COMPARISONS:
            self.place += 1
            return f"{_wrapped(left, _SUM)} {sign} {_wrapped(self.sum(), _SUM)}", _COMPARED
        if self.take("IS"):
            word = "IS NOT NULL" if self.take("NOT") else "IS NULL"
            self.need("NULL")
            return f"{_wrapped(left, _SUM)} {word}", _COMPARED
        negated = self.take("NOT")
        subject = _wrapped(left, _SUM)
        if self.take("LIKE"):
            words = f"{subject} {'NOT ' if negated else ''}LIKE {_wrapped(self.sum(), _SUM)}"
            if self.take("ESCAPE"):
                words += f" ESCAPE {_wrapped(self.sum(), _SUM)}"
            return words, _COMPARED
        if self.take("BETWEEN"):
            low = _wrapped(self.sum(), _SUM)
            self.need("AND")
            found = f"{subject} >= {low} AND {subject} <= {_wrapped(self.sum(), _SUM)}", _AND
        elif self.take("IN"):
            self.need("(")
            values = [_wrapped(each, _SUM) for each in self.items()]
            # The server goes through the list from its end.
            words = " OR ".join(f"{subject} = {value}" for value in reversed(values))
            found = words, _OR if len(values) > 1 else _COMPARED
        elif negated:
            raise _UnreadError
        else:
            return left
        return (f"NOT {_wrapped(found, _NOT)}", _NOT) if negated else found

    # Values

    def sum(self) -> Term:
        return self.operation(_SUMS, _SUM, self.product)

    def product(self) -> Term:
        return self.operation(_PRODUCTS, _PRODUCT, self.signed)

    def operation(self, signs: set[str], strength: int, part: Callable[[], Term]) -> Term:
        left = part()
        while (sign := self.peek()) in signs:
            self.place += 1
            left = f"{_wrapped(left, strength)} {sign} {_wrapped(part(), strength + 1)}", strength
        return left

    def signed(self) -> Term:
        for sign in ("-", "~"):
            if self.take(sign):
                words = _wrapped(self.signed(), _ATOM)
                return f"{sign}{words}", _SIGNED
        if self.take("+"):
            return self.signed()
        found = self.atom()
        while self.take("COLLATE"):
            found = f"{_wrapped(found, _ATOM)} COLLATE {self.tokens[self.place][1]}", _ATOM
            self.place += 1
        return found

    def atom(self) -> Term:
        if self.take("("):
            found = self.disjunction()
            self.need(")")
            return found
        if self.place >= len(self.tokens):
            raise _UnreadError
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "number":
            return text, _ATOM
        if kind == "text":
            plain = text[1:] if text[0] == "N" else text
            # Only a letter outside of ASCII makes a difference.
            return plain if plain.isascii() else f"N{plain}", _ATOM
        if kind == "word":
            return self.worded(text)
        if kind == "name":
            return self.named([_bare(text)])
        raise _UnreadError

    def worded(self, text: str) -> Term:
        word = text.upper()
        if word in _UNREAD:
            raise _UnreadError
        if word == "NULL":
            return "NULL", _ATOM
        if word == "CURRENT_TIMESTAMP":
            return "getdate()", _ATOM
        if word == "CASE":
            return self.case()
        if word == "CAST" and self.take("("):
            value = self.disjunction()
            self.need("AS")
            type_ = self.type()
            self.need(")")
            return f"CONVERT({type_}, {value[0]})", _ATOM
        if word == "CONVERT" and self.take("("):
            type_ = self.type()
            rest = "".join(f", {each[0]}" for each in self.items()) if self.take(",") else ""
            return f"CONVERT({type_}{rest})", _ATOM
        return self.named([text])

    def named(self, parts: list[str]) -> Term:
        while self.take("."):
            kind, text = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
            if kind not in ("word", "name"):
                raise _UnreadError
            self.place += 1
            parts.append(_bare(text))
        if self.take("("):
            arguments = ", ".join(each[0] for each in self.items()) if self.peek() != ")" else ""
            if not arguments:
                self.need(")")
            # The names of the server's own functions are printed in small letters.
            name = parts[0].lower() if len(parts) == 1 else ".".join(map(self.quote, parts))
            return f"{name}({arguments})", _ATOM
        return ".".join(map(self.quote, parts)), _ATOM

    def items(self) -> list[Term]:
        found = [self.disjunction()]
        while self.take(","):
            found.append(self.disjunction())
        self.need(")")
        return found

    def type(self) -> str:
        kind, text = self.tokens[self.place] if self.place < len(self.tokens) else ("", "")
        if kind not in ("word", "name"):
            raise _UnreadError
        self.place += 1
        name = {"integer": "int", "numeric": "decimal"}.get(_bare(text).lower(), _bare(text).lower())
        sizes = ",".join(each[0].lower() for each in self.items()) if self.take("(") else ""
        return f"{name}({sizes})" if sizes else name

    def case(self) -> Term:
        words = ["CASE"]
        if self.peek() != "WHEN":
            words.append(self.disjunction()[0])
        while self.take("WHEN"):
            condition = self.disjunction()[0]
            self.need("THEN")
            words.append(f"WHEN {condition} THEN {self.disjunction()[0]}")
        if self.take("ELSE"):
            words.append(f"ELSE {self.disjunction()[0]}")
        self.need("END")
        return f"{' '.join(words)} END", _ATOM


def _bare(text: str) -> str:
    if text[0] == "[":
        return text[1:-1].replace("]]", "]")
    if text[0] == '"':
        return text[1:-1].replace('""', '"')
    return text
