"""What stands in a database that no datakit has declared yet, and what of it can be declared."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ARRAY, JSON, Column, Enum
from sqlalchemy.exc import CompileError, SAWarning
from sqlalchemy.types import NullType, TypeEngine

from ..base.fields import sql_type
from ..errors import TerminalError
from .names import full_name
from .planning import in_words
from .record import Recorded
from .snapshot import ForeignKeyShape, Scope, TableShape

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import ReflectedColumn

    from ..engines.base import BaseEngine

__all__ = ["Existing", "ExistingColumn", "ExistingTable", "read_existing"]

_KEPT = re.compile(r"\((.*)\) (STORED|VIRTUAL)", re.DOTALL)
# Where Alembic keeps its own place.
_OF_OTHER_TOOLS = ("alembic_version", "migrate_version")


@dataclass(frozen=True)
class ExistingColumn:
    """What SQLAlchemy knows of a column besides its shape.

    Attributes:
        type: a type that this database calls as it calls the column's.
        like: the type that SQLAlchemy would take for it, by which values in Python are told.
        computed: the expression of a generated column, and whether its values are kept.
        identity: the options of an identity.
    """

    type: TypeEngine[Any]
    like: TypeEngine[Any]
    computed: tuple[str, bool | None] | None = None
    identity: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ExistingTable:
    """A table that can be declared, without those of its parts that cannot."""

    schema: str | None
    name: str
    shape: TableShape
    columns: Mapping[str, ExistingColumn]


@dataclass(frozen=True)
class Existing:
    """What there is.

    Attributes:
        tables: those that can be declared, by full name.
        left_alone: in words, what cannot be, or is somebody else's.
    """

    tables: Mapping[str, ExistingTable]
    left_alone: tuple[str, ...]


def read_existing(engine: BaseEngine, schemas: Collection[str], recorded: Recorded) -> Existing:
    """Look at the tables of some schemas, over an engine that is connected and in a transaction.

    Args:
        engine: the engine.
        schemas: their names; without any, all that are not the system's or the ledger's.
        recorded: what the ledger knows; what it says to be another datakit's is left alone.

    Raises:
        TerminalError: there is no such schema.
    """
    chosen = _chosen(engine, schemas)
    places = engine.existing_tables(chosen)
    shapes = engine.read_snapshot(Scope(tables=frozenset(places))).tables
    left = [in_words("view", "", full_name(*place)) for place in engine.existing_views(chosen)]
    wanted: dict[str, tuple[str | None, str]] = {}
    for place in places:
        name = full_name(*place)
        if name not in shapes:
            # A partition is a part of its table.
            continue
        reason = _reason(name, place[1], shapes[name], recorded.others.get(("table", name)))
        if reason is None:
            wanted[name] = place
        else:
            left.append(reason)
    left += [in_words(*each) for each in engine.beyond_shapes(list(wanted.values()))]
    with warnings.catch_warnings():
        # What SQLAlchemy does not recognise is taken in the database's own words.
        warnings.simplefilter("ignore", SAWarning)
        columns = engine.existing_columns(wanted.values())
    # What is in a schema without a table of the datakit, no deployment looks at.
    owned = {schema for schema, _ in wanted.values()} | {None}
    tables: dict[str, ExistingTable] = {}
    for name, (schema, bare) in wanted.items():
        shape, parts = _declarable(name, shapes[name], wanted)
        left += parts
        described = {each["name"]: each for each in columns[schema, bare]}
        tables[name] = ExistingTable(
            schema,
            bare,
            shape,
            {each: _column(engine, each, shape, described.get(each), owned) for each in shape.columns},
        )
    return Existing(tables, tuple(left))


def _chosen(engine: BaseEngine, schemas: Collection[str]) -> Collection[str]:
    from ..runs.ledger import SCHEMA

    there = [name for name in engine.own_schemas() if name != SCHEMA]
    unknown = [name for name in schemas if name == SCHEMA or not engine.has_schema(name)]
    if unknown:
        raise TerminalError(
            f"target {engine.target.name} has no schema {unknown[0]!r}",
            hint=f"it has {', '.join(filter(None, there)) or 'none'}",
            target=engine.target.name,
        )
    return schemas or there


def _reason(full: str, name: str, shape: TableShape, owner: str | None) -> str | None:
    """Why a table is left alone, in words; None if it is not."""
    if shape.kind != "table":
        return f"{shape.kind} {full}"
    if owner is not None:
        return f"table {full}, which belongs to datakit {owner!r}"
    if name in _OF_OTHER_TOOLS:
        return f"table {full}, in which a migration tool keeps its place"
    if shape.versioned:
        return f"table {full}, whose history the database keeps"
    return None if shape.columns else f"table {full}, which has no columns"


def _declarable(
    name: str, shape: TableShape, wanted: Mapping[str, tuple[str | None, str]]
) -> tuple[TableShape, list[str]]:
    """A table without what a declaration cannot say, and that in words."""
    keys = {key: why for key, each in shape.foreign_keys.items() if (why := _not_a_key(each, wanted))}
    indexes = {key for key, each in shape.indexes.items() if not each.valid}
    checks = {key for key, each in shape.checks.items() if not each.validated}
    left = [f"{in_words('foreign key', name, key)}, {why}" for key, why in keys.items()]
    left += [f"{in_words('index', name, key)}, whose making was interrupted" for key in sorted(indexes)]
    left += [f"{in_words('check', name, key)}, which is not validated" for key in sorted(checks)]
    declarable = replace(
        shape,
        foreign_keys={key: each for key, each in shape.foreign_keys.items() if key not in keys},
        indexes={key: each for key, each in shape.indexes.items() if key not in indexes},
        checks={key: each for key, each in shape.checks.items() if key not in checks},
    )
    return declarable, left


def _not_a_key(key: ForeignKeyShape, wanted: Mapping[str, tuple[str | None, str]]) -> str:
    if key.to_table not in wanted:
        return f"which refers to {key.to_table}"
    if not key.validated:
        return "which is not validated"
    schema, name = wanted[key.to_table]
    # SQLAlchemy finds the parts of a referred column's name by the dots.
    dotted = any("." in each for each in (schema or "", name, *key.to_columns))
    return f"which refers to {key.to_table}, a name with a dot" if dotted else ""


def _column(
    engine: BaseEngine,
    name: str,
    shape: TableShape,
    described: ReflectedColumn | None,
    owned: Collection[str | None],
) -> ExistingColumn:
    own = shape.columns[name]
    # A name can be such that SQLAlchemy does not see the column.
    like = NullType() if described is None else described["type"]
    kind = _type(engine, like, own.type, owned)
    return ExistingColumn(
        type=kind,
        like=getattr(kind, "like", None) or like,
        computed=None if own.generated is None else _computed(own.generated, described),
        identity=None if described is None else described.get("identity"),
    )


def _computed(words: str, described: ReflectedColumn | None) -> tuple[str, bool | None]:
    """The expression of a generated column, and whether its values are kept where that is known."""
    # Some databases say both in one, and SQLAlchemy does not find the end of an expression everywhere.
    both = _KEPT.fullmatch(words)
    if both is not None:
        return both[1], both[2] == "STORED"
    reflected = None if described is None else described.get("computed")
    return words, None if reflected is None else reflected.get("persisted")


def _type(
    engine: BaseEngine, like: TypeEngine[Any], words: str, owned: Collection[str | None]
) -> TypeEngine[Any]:
    """SQLAlchemy's type if the database calls it as it calls the column's, else one of those words."""
    # A domain is an object of its own, which no declaration makes.
    like = getattr(like, "data_type", like) if like.__visit_name__ == "DOMAIN" else like
    for candidate in _candidates(like, owned):
        probe: Column[Any] = Column("probe", candidate)
        with suppress(CompileError):
            if engine.declared_type(probe) == words:
                return candidate
    if words == "json":
        like = JSON()
    return sql_type(words, None if isinstance(like, (NullType, Enum, ARRAY)) else like)


def _candidates(like: TypeEngine[Any], owned: Collection[str | None]) -> Iterator[TypeEngine[Any]]:
    """The type that any database knows, where there is one, and then the database's own."""
    inner = getattr(like, "item_type", like)
    if isinstance(inner, NullType) or (isinstance(inner, Enum) and inner.schema not in owned):
        return
    if not isinstance(like, (Enum, ARRAY)):
        with suppress(NotImplementedError):
            yield like.as_generic()
    yield like
