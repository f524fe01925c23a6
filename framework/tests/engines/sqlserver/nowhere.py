"""Plans for a SQL Server that is nowhere, and what is said against statements that it would be sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Column
from sqlalchemy.dialects import mssql
from sqlalchemy.orm import registry
from sqlfluff.core import FluffConfig, Linter
from sqlmodel import Field, SQLModel
from sqlmodel_framework import Datakit, Target
from sqlmodel_framework.engines.sqlserver.engine import SqlServerEngine
from sqlmodel_framework.runs.ledger import ledger_tables
from sqlmodel_framework.schema.declared import declare, declare_datakit
from sqlmodel_framework.schema.planning import Planned, plan_with
from sqlmodel_framework.schema.record import objects_of
from sqlmodel_framework.schema.snapshot import Scope, Snapshot, TableShape, ViewShape

Model = type[SQLModel]
Answer = Callable[[str], Sequence[tuple[Any, ...]]]
URL = "mssql://me@db.example/shop"
LINTER = Linter(config=FluffConfig(overrides={"dialect": "tsql"}))
# What SQLAlchemy knows after it has asked a server of 2017.
DIALECT: Any = mssql.dialect(deprecate_large_types=True)  # type: ignore[no-untyped-call]
DIALECT.server_version_info = (14, 0)

_PIECE = re.compile(
    r"(?P<text>N?'(?:[^']|'')*')|(?P<name>\[(?:[^\]]|\]\])+\])|(?P<rest>[^'\[]+)|(?P<open>.)", re.DOTALL
)
# Words of other databases. The grammar lets some of them pass.
_FOREIGN_WORDS = (
    r"LIMIT|RETURNING|ILIKE|SERIAL|BIGSERIAL|SMALLSERIAL|AUTO_INCREMENT|AUTOINCREMENT|IF NOT EXISTS",
    r"ON CONFLICT|ON DUPLICATE|NOW(?= *\()|BOOL|BOOLEAN|TRUE|FALSE|TEXT|JSON|JSONB|UUID|BYTEA|TIMESTAMPTZ",
    r"TIME ZONE|ARRAY|OR REPLACE|COMMENT ON|RENAME|MODIFY|MATERIALIZED|DEFERRABLE|CONCURRENTLY|ENGINE(?= *=)",
    r"NOT VALID|RESTRICT|PARTITION BY|DROP PRIMARY KEY|SET SCHEMA",
)
_FOREIGN = re.compile(
    rf"\b(?:{'|'.join(_FOREIGN_WORDS)})\b|GENERATED ALWAYS AS \(|\|\||`|\"|\$\$|(?<!OBJECT)(?<!SCHEMA)::",
    re.IGNORECASE,
)
# What the grammar does not know, and the server does.
_TRANSFER = re.compile(r"ALTER SCHEMA \w+ TRANSFER \w+\.\w+")


def model(
    name: str, *columns: Column[Any], schema: str | None = "shop", arguments: Any = (), **more: Any
) -> Model:
    """A class with these columns; nothing of it is shared with another one of the same name."""

    class Base(SQLModel, registry=registry()):
        pass

    # A column may be called anything, a field may not.
    fields: dict[str, Any] = {f"field_{n}": Field(default=None, sa_column=c) for n, c in enumerate(columns)}
    make: Any = type(SQLModel)
    made: Model = make(
        "Declared",
        (Base,),
        {
            **fields,
            "__annotations__": dict.fromkeys(fields, Any),
            "__module__": __name__,
            "__tablename__": name,
            "__table_args__": (*arguments, {"schema": schema, **more}),
        },
        table=True,
    )
    return made


def kit(*models: Model, **more: Any) -> Datakit:
    """A datakit of tables."""
    return Datakit(name="planned", version="1", tables=models, **more)


class Rows:
    """The rows that a question is answered with."""

    returns_rows = False

    def __init__(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self.rows = rows

    def all(self) -> Sequence[tuple[Any, ...]]:
        return self.rows

    def scalar_one(self) -> Any:
        ((value,),) = self.rows
        return value


class Nowhere:
    """What stands in a connection's place: it notes what it is asked, and answers as it was told to."""

    dialect = DIALECT

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def exec_driver_sql(self, sql: str, **_options: Any) -> Rows:
        self.asked.append(sql)
        return Rows(self.answer(sql))

    def execute(self, statement: Any, parameters: Sequence[Mapping[str, Any]] = ()) -> Rows:
        if statement.is_dml:
            # Some values have no literal.
            names = list(parameters[0]) if parameters else None
            sql = str(statement.compile(dialect=DIALECT, column_keys=names))
            return self.exec_driver_sql(re.sub(r":(?=\w)", "@", sql))
        return self.exec_driver_sql(
            str(statement.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
        )


class OfflineEngine(SqlServerEngine):
    """The engine with all of its own words, over a snapshot that is given."""

    def __init__(
        self,
        have: Snapshot = Snapshot(),  # noqa: B008  # it is immutable
        answer: Answer = lambda _sql: [(0,)],
    ) -> None:
        super().__init__(Target(URL))
        self.have = have
        self.nowhere = Nowhere(answer)

    @property
    def connection(self) -> Any:
        return self.nowhere

    def read_snapshot(self, scope: Scope) -> Snapshot:
        return self.have

    def table_bytes(self, names: Any) -> Mapping[str, int]:
        return {}


def after(datakit: Datakit) -> Snapshot:
    """What a server would tell of a datakit that was deployed: it names what nobody has named."""
    engine = OfflineEngine()
    declared = declare_datakit(engine, datakit).snapshot
    tables = {name: _named(engine.comparable(shape)) for name, shape in declared.tables.items()}
    views = {name: ViewShape(view.definition, False, view.comment) for name, view in declared.views.items()}
    return replace(declared, tables=tables, views=views)


def _named(shape: TableShape) -> TableShape:
    def names(parts: Mapping[str, Any], kind: str) -> dict[str, Any]:
        return {
            f"{kind}__{number}" if name.startswith("(") else name: part
            for number, (name, part) in enumerate(parts.items())
        }

    return replace(
        shape,
        uniques=names(shape.uniques, "uq"),
        checks=names(shape.checks, "ck"),
        foreign_keys=names(shape.foreign_keys, "fk"),
        key_name="pk__1" if shape.primary_key else "",
    )


def recorded(datakit: Datakit) -> tuple[Snapshot, list[tuple[Any, ...]]]:
    """What there is after a deployment, the ledger included, and the rows of its table of objects."""
    engine, there = OfflineEngine(), after(datakit)
    fingerprints = declare_datakit(engine, datakit).fingerprints
    rows = [
        (datakit.name, kind, name, fingerprints[kind, name], _json(shape))
        for (kind, name), shape in objects_of(there).items()
    ]
    ledger = declare(engine, ledger_tables()).snapshot
    tables = {name: engine.comparable(shape) for name, shape in ledger.tables.items()}
    return replace(there, schemas=there.schemas | ledger.schemas, tables={**there.tables, **tables}), rows


def _json(shape: Any) -> bytes:
    # A schema is its own name, which SQLAlchemy has a class for.
    kind = str if isinstance(shape, str) else type(shape)
    return TypeAdapter(kind).dump_json(shape)


def plan(old: Datakit | Snapshot | None, new: Datakit, answer: Answer = lambda _sql: [(0,)]) -> Planned:
    """The plan from one declaration, or from what is there, to another declaration.

    Every question that was asked for it is T-SQL.
    """
    have, rows = recorded(old) if isinstance(old, Datakit) else (old or Snapshot(), [])
    engine = OfflineEngine(have, lambda sql: rows if "FROM datakit.object" in sql else answer(sql))
    planned = plan_with(engine, new)
    for sql in engine.nowhere.asked:
        assert objections(sql) == []
    return planned


def statements(planned: Planned) -> list[str]:
    """The statements of a plan, in their order."""
    return [step.sql for step in planned.plan.steps()]


def pieces(sql: str) -> Iterator[tuple[str, str]]:
    """A statement as texts, names in brackets, and all the rest.

    Raises:
        ValueError: a text or a name has no end.
    """
    for match in _PIECE.finditer(sql):
        if match.lastgroup == "open":
            raise ValueError(f"it has no end: {sql[match.start() :]!r}")
        assert match.lastgroup is not None
        yield match.lastgroup, match[0]


def outside(sql: str) -> str:
    """A statement with nothing in its texts and names."""
    plain = {"text": "N''", "name": "[x]"}
    return "".join(plain.get(kind, piece) for kind, piece in pieces(sql))


@cache
def objections(sql: str) -> list[str]:
    """What the grammar of T-SQL does not know in a statement, and words of other databases in it."""
    foreign = [match[0] for match in _FOREIGN.finditer(outside(sql))]
    if _TRANSFER.fullmatch(outside(sql).replace("[x]", "x")):
        return foreign
    # The grammar does not know a bracket within a name.
    plain = ("[x]" if kind == "name" and re.search(r"[\[\]]", p[1:-1]) else p for kind, p in pieces(sql))
    parsed = LINTER.parse_string("".join(plain))
    tree = parsed.tree
    assert tree is not None
    unparsable = [segment.raw for segment in tree.recursive_crawl("unparsable")]
    return foreign + unparsable + [str(violation) for violation in parsed.violations]
