"""Texts of one shape: for each place the characters that can stand there.

A pattern is brought to such a shape: of its branches the richest is taken, and every repeat gets one
length. That is fewer texts than match, but they can be numbered. Upper and lower case of one letter never
stand for each other in a place, so that texts also differ where a database ignores case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib import import_module
from itertools import product
from math import prod
from string import ascii_letters, ascii_lowercase, digits
from typing import Any

from .domains import Domain

__all__ = ["plain_text", "texts", "texts_of_pattern"]

# The parser is where the library polyfactory finds it as well; it has no types.
_parser: Any = import_module("re._parser")

_SYLLABLE = ("bcdfghklmnprstvz", "aeiou")
_WORD = ascii_lowercase + digits
_USUAL = ascii_letters + digits + " -_.,:/+"
_CATEGORIES = {
    "CATEGORY_DIGIT": digits,
    "CATEGORY_NOT_DIGIT": ascii_lowercase,
    "CATEGORY_SPACE": " ",
    "CATEGORY_NOT_SPACE": _WORD,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": "-.:/",
}
_USUAL_LENGTH = 10
_MORE_THAN_LEAST = 8
_TABLE = 2_000


def plain_text(shortest: int, longest: int | None) -> list[str]:
    """The shape of a text that nothing else is known of; long enough ones can be pronounced."""
    length = max(shortest, _USUAL_LENGTH if longest is None else min(longest, _USUAL_LENGTH))
    if length < _USUAL_LENGTH:
        return [_WORD] * length
    return [_SYLLABLE[place % 2] for place in range(length)]


def texts_of_pattern(patterns: Sequence[str], shortest: int, longest: int | None) -> Domain | None:
    """Texts that match all the patterns; None if no shape for them is found."""
    parsed = _parser.parse(patterns[0])
    most = max(_MORE_THAN_LEAST, shortest)
    for more in [*range(_MORE_THAN_LEAST, -1, -1), *range(_MORE_THAN_LEAST + 1, most + 1)]:
        try:
            places = _shape(parsed, more)
        except LookupError:
            return None
        if len(places) < shortest or (longest is not None and len(places) > longest):
            continue
        found = texts(places)
        # Whatever the shape left out, such as a boundary of a word, is tried.
        tried = [found.at(number * (found.size - 1) // 16) for number in range(17)]
        if all(re.search(pattern, text) for pattern in patterns for text in tried):
            return found
    return None


def texts(places: Sequence[str]) -> Domain:
    """The texts of a shape."""
    # Places are joined to tables, as far as those stay small: a text is then made in few steps.
    tables: list[list[str]] = [[""]]
    for place in places:
        if len(tables[-1]) * len(place) > _TABLE:
            tables.append([""])
        tables[-1] = ["".join(pair) for pair in product(tables[-1], place)]
    sized = [(table, len(table)) for table in tables]

    def at(number: int) -> str:
        text = ""
        for table, size in sized:
            number, here = divmod(number, size)
            text += table[here]
        return text

    return Domain(prod(size for _, size in sized), at, orderly=False)


def _shape(parsed: Iterable[Any], more: int) -> list[str]:
    """The places of a pattern, each repeat `more` times longer than it must be, if it may.

    Raises:
        LookupError: the pattern has a part that no single place stands for.
    """
    places: list[str] = []
    for operator, value in parsed:
        match str(operator):
            case "LITERAL":
                places.append(chr(value))
            case "NOT_LITERAL":
                places.append(_distinct(set(_USUAL) - {chr(value)}))
            case "ANY":
                places.append(_WORD)
            case "IN":
                places.append(_distinct(_members(value)))
            case "AT":
                pass
            case "SUBPATTERN":
                places += _shape(value[3], more)
            case "ATOMIC_GROUP":
                places += _shape(value, more)
            case "BRANCH":
                shapes = [_shape(branch, more) for branch in value[1]]
                places += max(shapes, key=lambda shape: prod(map(len, shape)))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                least, most, repeated = value
                places += _shape(repeated, more) * min(int(most), least + more)
            case unknown:
                raise LookupError(unknown)
    return places


def _members(items: Iterable[Any]) -> set[str]:
    found: set[str] = set()
    negated = False
    for operator, value in items:
        match str(operator):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.add(chr(value))
            case "RANGE":
                found.update(map(chr, range(value[0], min(value[1], value[0] + 255) + 1)))
            case "CATEGORY":
                found.update(_CATEGORIES[str(value)])
            case unknown:
                raise LookupError(unknown)
    return set(_USUAL) - found if negated else found


def _distinct(characters: set[str]) -> str:
    """The characters that can be seen, one of those that differ in case only."""
    seen = {each.casefold(): each for each in sorted(characters) if each.isprintable()}
    if not seen:
        raise LookupError("no character")
    return "".join(sorted(seen.values()))
