"""What the catalog and SHOW tell, as shapes: the same words from either."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace

from ...schema.snapshot import ColumnShape, IndexShape, TableShape
from .types import formatted_type

__all__ = ["column_shape", "indexes_from", "without_implied"]


def column_shape(
    kind: str,
    *,
    collation: str | None,
    table_collation: str | None,
    nullable: bool,
    default: str | None,
    extra: str,
    generated: str | None,
    comment: str,
    is_json: bool,
) -> ColumnShape:
    """A column, from what the catalog or SHOW tells of it.

    Args:
        kind: the type as printed.
        collation: the column's, or None.
        table_collation: the one that is not written down.
        nullable: whether it may be null.
        default: as an expression; "NULL" is none.
        extra: further words, such as "auto_increment".
        generated: the expression, without its parentheses.
        comment: "" is none.
        is_json: whether a check of its own says that it holds JSON.
    """
    words = extra.lower()
    type_ = "json" if is_json else formatted_type(kind)
    if collation is not None and collation != table_collation and not is_json:
        type_ = f"{type_} collate {collation}"
    if generated:
        stored = "STORED" if "stored" in words or "persistent" in words else "VIRTUAL"
        whole = generated if generated.startswith("ROW ") else f"({generated}) {stored}"
        return ColumnShape(type_, nullable, None, whole, comment=comment or None)
    if default == "NULL":
        default = None
    if "on update" in words:
        default = f"{default or 'NULL'} {words[words.index('on update') :]}"
    identity = "auto" if "auto_increment" in words else ""
    return ColumnShape(type_, nullable, default, None, identity, comment or None)


def indexes_from(
    rows: Iterable[tuple[str, bool, int, str, str | None, int | None, str]],
    quote: Callable[[str], str],
    hidden: frozenset[str] = frozenset(),
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]], dict[str, IndexShape]]:
    """The primary key, the unique keys over whole columns, and all other indexes.

    Args:
        rows: index, whether it may hold duplicates, place, column, order, length, method: each part of each.
        quote: how a column's name is written where it must be quoted.
        hidden: columns that are in keys without having been declared.
    """
    parts: dict[str, dict[int, tuple[str, str, bool]]] = defaultdict(dict)
    kinds: dict[str, tuple[bool, str]] = {}
    for name, duplicates, place, column, order, length, method in rows:
        if column in hidden:
            continue
        words = quote(column) + (f"({length})" if length else "") + (" DESC" if order == "D" else "")
        parts[name][place] = (column, words, words == quote(column))
        kinds[name] = (not duplicates, "" if method in ("BTREE", "HASH") else method.lower())
    key: tuple[str, ...] = ()
    uniques: dict[str, tuple[str, ...]] = {}
    indexes: dict[str, IndexShape] = {}
    for name, found in parts.items():
        ordered = [found[place] for place in sorted(found)]
        unique, method = kinds[name]
        columns = tuple(column for column, _, _ in ordered)
        if name == "PRIMARY":
            key = columns
        elif unique and all(whole for _, _, whole in ordered):
            uniques[name] = columns
        else:
            indexes[name] = IndexShape(tuple(words for _, words, _ in ordered), unique=unique, method=method)
    return key, uniques, indexes


def without_implied(shape: TableShape, quote: Callable[[str], str]) -> TableShape:
    """A table without the indexes that the server makes for foreign keys by itself."""
    if not shape.foreign_keys or not shape.indexes:
        return shape
    implied = set()
    for key, foreign in shape.foreign_keys.items():
        parts = tuple(map(quote, foreign.columns))
        for name, index in shape.indexes.items():
            named_so = name in (key, foreign.columns[0]) or name.startswith(f"{foreign.columns[0]}_")
            if index == IndexShape(parts) and named_so:
                implied.add(name)
    kept = {name: index for name, index in shape.indexes.items() if name not in implied}
    return replace(shape, indexes=kept) if implied else shape
