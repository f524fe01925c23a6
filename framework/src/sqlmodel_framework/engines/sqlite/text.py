"""The text of statements, taken apart as SQLite takes it apart: no quote and no comment misleads it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "Token",
    "default_clause",
    "expression",
    "group_end",
    "is_literal",
    "mentions",
    "split",
    "tokens",
    "with_column_renamed",
    "with_table_renamed",
]

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\n\f\r]+|--[^\n]*|/\*(?:.|\n)*?(?:\*/|\Z))
  | (?P<blob>[xX]'[^']*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
  | (?P<number>(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?))
  | (?P<word>[A-Za-z_\u0080-\U0010ffff][\w$\u0080-\U0010ffff]*)
  | (?P<sign>\|\||->>|->|<<|>>|<=|>=|<>|==|!=)
    """,
    re.VERBOSE,
)
_OPENING = "("
_CLOSING = ")"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a statement: of the kind blob, string, name (in quotes), number, word or sign."""

    kind: str
    text: str
    spaced: bool = False

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def value(self) -> str:
        """A name or a string without its quotes."""
        if self.kind not in ("name", "string"):
            return self.text
        inner = self.text[1:-1]
        return inner if self.text.startswith("[") else inner.replace(self.text[0] * 2, self.text[0])


def tokens(sql: str) -> list[Token]:
    """The pieces of a statement; blanks and comments only part them."""
    found = []
    spaced = False
    position = 0
    while position < len(sql):
        match = _TOKEN.match(sql, position)
        # Every other character stands for itself, as does a quote that is never closed.
        kind, text = ("sign", sql[position]) if match is None else (str(match.lastgroup), match[0])
        position += len(text)
        if kind == "blank":
            spaced = True
        else:
            found.append(Token(kind, text, spaced))
            spaced = False
    return found


def expression(pieces: Sequence[Token]) -> str:
    """An expression, without comments, and with one blank wherever there were some."""
    return "".join(f" {each.text}" if each.spaced and n else each.text for n, each in enumerate(pieces))


def group_end(pieces: Sequence[Token], start: int) -> int:
    """Where the bracket that opens at `start` is closed."""
    depth = 0
    for position in range(start, len(pieces)):
        if pieces[position].text == _OPENING:
            depth += 1
        elif pieces[position].text == _CLOSING:
            depth -= 1
            if depth == 0:
                return position
    return len(pieces) - 1


def split(pieces: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The parts between commas that are in no bracket."""
    first = depth = 0
    for position, piece in enumerate(pieces):
        if piece.text == _OPENING:
            depth += 1
        elif piece.text == _CLOSING:
            depth -= 1
        elif piece.text == "," and depth == 0:
            yield pieces[first:position]
            first = position + 1
    if first < len(pieces):
        yield pieces[first:]


def is_literal(pieces: Sequence[Token]) -> bool:
    """Whether an expression is one value, which stands in no need of brackets."""
    rest = pieces[1:] if pieces and pieces[0].text in "+-" else pieces
    return len(rest) == 1 and rest[0].kind in ("string", "blob", "number", "word")


def default_clause(default: str) -> str:
    """A default as it is written behind DEFAULT: in brackets, unless it is one value."""
    pieces = tokens(default)
    in_brackets = bool(pieces) and pieces[0].text == _OPENING and group_end(pieces, 0) == len(pieces) - 1
    return default if in_brackets or is_literal(pieces) else f"({default})"


def mentions(sql: str, name: str) -> bool:
    """Whether a statement may speak of a name."""
    wanted = name.lower()
    return any(
        each.kind in ("name", "word", "string") and each.value.lower() == wanted for each in tokens(sql)
    )


# What a table's name follows, where it is not a column's.
_BEFORE_TABLES = ("FROM", "INTO", "JOIN", "ON", "TABLE", "UPDATE")


def with_table_renamed(sql: str, old: str, new: str) -> str:
    """A statement that speaks of a table by its new name."""
    return _replaced(sql, old, new, of_table=True)


def with_column_renamed(sql: str, old: str, new: str) -> str:
    """A statement that speaks of a column by its new name."""
    return _replaced(sql, old, new, of_table=False)


def _replaced(sql: str, old: str, new: str, *, of_table: bool) -> str:
    quoted = '"' + new.replace('"', '""') + '"'
    pieces = tokens(sql)
    found = []
    for position, piece in enumerate(pieces):
        is_name = piece.kind in ("name", "word") and piece.value.lower() == old.lower()
        before = position > 0 and pieces[position - 1].is_word(*_BEFORE_TABLES)
        qualifies = position + 1 < len(pieces) and pieces[position + 1].text == "."
        meant = is_name and (before or qualifies) is of_table
        found.append(Token("name", quoted, piece.spaced) if meant else piece)
    return expression(found)
