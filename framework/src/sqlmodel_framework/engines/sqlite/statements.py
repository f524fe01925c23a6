"""What the statements that made tables, indexes and views say beyond what the pragmas tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ...schema.names import made_up_name
from .text import Token, expression, group_end, split, tokens

__all__ = ["KeyText", "TableText", "read_index", "read_table", "read_view"]


@dataclass(frozen=True, slots=True)
class KeyText:
    """A foreign key as it is written; `to_columns` is empty where the primary key is meant."""

    columns: tuple[str, ...]
    to_table: str
    to_columns: tuple[str, ...] = ()
    on_delete: str = ""
    on_update: str = ""
    deferrable: str = ""


@dataclass(slots=True)
class TableText:
    """What a statement says of a table's columns and constraints; by the name as it is written."""

    collations: dict[str, str] = field(default_factory=dict)
    generated: dict[str, str] = field(default_factory=dict)
    uniques: dict[str, tuple[str, ...]] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    foreign_keys: dict[str, KeyText] = field(default_factory=dict)
    counts: bool = True
    """Whether a lone INTEGER key is the number of the row."""


@lru_cache(maxsize=4096)
def read_table(sql: str) -> TableText:
    """Read a CREATE TABLE statement, as SQLite keeps it."""
    pieces = tokens(sql)
    start = next((n for n, each in enumerate(pieces) if each.text == "("), None)
    if start is None:
        return TableText()
    end = group_end(pieces, start)
    reading = _Reading()
    for part in split(pieces[start + 1 : end]):
        reading.part(part)
    tail = [each.text.upper() for each in pieces[end + 1 :]]
    reading.found.counts = "WITHOUT" not in tail
    return reading.found


@lru_cache(maxsize=4096)
def read_index(sql: str) -> tuple[tuple[Sequence[Token], ...], str | None]:
    """The parts of a CREATE INDEX statement, and its condition."""
    pieces = tokens(sql)
    start = next(n for n, each in enumerate(pieces) if each.text == "(")
    end = group_end(pieces, start)
    where = expression(pieces[end + 2 :]) if len(pieces) > end + 2 else None
    return tuple(split(pieces[start + 1 : end])), where


def read_view(sql: str) -> str:
    """The query of a CREATE VIEW statement."""
    pieces = tokens(sql)
    depth = 0
    for position, piece in enumerate(pieces):
        depth += (piece.text == "(") - (piece.text == ")")
        if depth == 0 and piece.is_word("AS"):
            return expression(pieces[position + 1 :])
    return sql


class _Reading:
    """Reads the definitions between the brackets of a CREATE TABLE statement, one after the other."""

    def __init__(self) -> None:
        self.found = TableText()
        self.in_columns = True
        self.column = ""
        self.name: str | None = None

    def part(self, pieces: Sequence[Token]) -> None:
        position = 0
        if self.in_columns and pieces[0].is_word("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"):
            self.in_columns = False
        self.column, self.name = "", None
        if self.in_columns:
            self.column, position = pieces[0].value, 1
        while position < len(pieces):
            position = self.constraint(pieces, position)

    def constraint(self, pieces: Sequence[Token], at: int) -> int:
        """Read what begins at a place; where the next begins."""
        piece = pieces[at]
        after = at + 1
        group = after < len(pieces) and pieces[after].text == "("
        end = group_end(pieces, after) if group else after
        inside = pieces[after + 1 : end] if group else ()
        if piece.is_word("CONSTRAINT"):
            self.name = pieces[after].value
            return after + 1
        if piece.is_word("CHECK") and group:
            words = expression(inside)
            self.found.checks[self.take_name("check", (words,))] = words
        elif piece.is_word("UNIQUE"):
            columns = _names(inside) if group else (self.column,)
            self.found.uniques[self.take_name("unique", columns)] = columns
        elif piece.is_word("PRIMARY"):
            self.name = None
            return after + 1
        elif piece.is_word("AS") and group:
            self.found.generated[self.column] = expression(inside)
        elif piece.is_word("COLLATE"):
            self.found.collations[self.column] = pieces[after].value
            return after + 1
        elif piece.is_word("DEFAULT"):
            # A sign belongs to the number behind it.
            return end + 1 if group else after + 1 + (pieces[after].text in ("+", "-"))
        elif piece.is_word("KEY") and group and self.is_foreign(pieces, at):
            return self.foreign_key(pieces, end + 1, _names(inside))
        elif piece.is_word("REFERENCES"):
            return self.foreign_key(pieces, at, (self.column,))
        return end + 1 if group else after

    @staticmethod
    def is_foreign(pieces: Sequence[Token], at: int) -> bool:
        return at > 0 and pieces[at - 1].is_word("FOREIGN")

    def foreign_key(self, pieces: Sequence[Token], at: int, columns: tuple[str, ...]) -> int:
        """Read from REFERENCES on."""
        table = pieces[at + 1].value
        position = at + 2
        to_columns: tuple[str, ...] = ()
        if position < len(pieces) and pieces[position].text == "(":
            end = group_end(pieces, position)
            to_columns, position = _names(pieces[position + 1 : end]), end + 1
        actions = {"DELETE": "", "UPDATE": ""}
        deferrable = ""
        while position < len(pieces):
            piece = pieces[position]
            follows = [each.text.upper() for each in pieces[position + 1 : position + 4]]
            if piece.is_word("ON") and follows and follows[0] in actions:
                two = follows[1] in ("SET", "NO")
                action = " ".join(follows[1:3] if two else follows[1:2])
                actions[follows[0]] = "" if action == "NO ACTION" else action
                position += 4 if two else 3
            elif piece.is_word("MATCH") or (piece.is_word("NOT") and follows[:1] == ["DEFERRABLE"]):
                position += 2
            elif piece.is_word("DEFERRABLE"):
                deferrable = "INITIALLY IMMEDIATE"
                position += 1
            elif piece.is_word("INITIALLY"):
                deferrable = f"INITIALLY {follows[0]}" if deferrable else ""
                position += 2
            else:
                break
        key = KeyText(columns, table, to_columns, actions["DELETE"], actions["UPDATE"], deferrable)
        self.found.foreign_keys[self.take_name("foreign key", columns)] = key
        return position

    def take_name(self, kind: str, parts: tuple[str, ...]) -> str:
        name, self.name = self.name, None
        return made_up_name(kind, parts) if name is None else name


def _names(pieces: Sequence[Token]) -> tuple[str, ...]:
    return tuple(part[0].value for part in split(pieces))
