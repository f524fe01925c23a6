"""A datakit as far as an orchestrator has to know it: tables, loads, and what waits for what.

It is read without the datakit, without SQLAlchemy and without a database.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import DeclarationError, DescriptionError

__all__ = [
    "FORMAT",
    "DescribedLoad",
    "DescribedTable",
    "Description",
    "SourceKind",
    "description_schema",
    "read_description",
]

FORMAT: Literal[1] = 1
"""The format that this version writes and reads."""

SourceKind = Literal["table", "query", "database", "outside"]
"""Where a load's rows are: a table or a query of the target, another database, or anywhere else."""

_WRITE_AGAIN = "write it again: datakit describe NAME --output FILE"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DescribedTable(_Strict):
    """A table of the datakit."""

    name: str = Field(min_length=1, description="`schema.name`, or `name` in the default schema.")
    key: list[str] = Field(default=[], description="The columns of the primary key.")
    references: list[str] = Field(
        default=[], description="Tables that its foreign keys point at, but itself."
    )


class DescribedLoad(_Strict):
    """One movement of rows into one table."""

    id: str = Field(description="`layer.name`: what a run is told to load.")
    name: str = Field(min_length=1)
    layer: str = Field(min_length=1)
    table: str = Field(description="The table that it fills.")
    reads: list[str] = Field(
        default=[], description="Tables of the same target that must be filled before, but its own."
    )
    source: str = Field(description="Where the rows come from, for people.")
    kind: SourceKind = Field(
        description="A table or query of the target, another database, or anything else."
    )
    database: str | None = Field(
        default=None, description="What the source calls the database that it reads, where a run says which."
    )
    windowed: bool = Field(default=False, description="Whether a run with a window reads those rows again.")

    @model_validator(mode="after")
    def _is_called_by_its_parts(self) -> DescribedLoad:
        if self.id != f"{self.layer}.{self.name}":
            raise ValueError(f"the id {self.id!r} is not layer.name, {self.layer}.{self.name}")
        return self


class Description(_Strict):
    """A datakit's tables, loads and checks, as they were when its wheel was built."""

    format: Literal[1] = Field(default=FORMAT, description="The format of this description.")
    name: str = Field(min_length=1, description="The datakit's name.")
    version: str = Field(description="The datakit's version.")
    description: str = Field(default="", description="One line for people.")
    fingerprint: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 over the name, the version, the tables and what is declared beside them.",
    )
    tables: list[DescribedTable] = Field(description="The tables, by name.")
    loads: list[DescribedLoad] = Field(default=[], description="The loads, in declared order.")
    checks: list[str] = Field(default=[], description="The names of the checks, in declared order.")
    has_report: bool = Field(default=False, description="Whether a run can write a report of its own.")

    @model_validator(mode="after")
    def _is_whole(self) -> Description:
        tables = [table.name for table in self.tables]
        for what, names in (("tables", tables), ("loads", [load.id for load in self.loads])):
            if twice := [name for name, number in Counter(names).items() if number > 1]:
                raise ValueError(f"two {what} are called {twice[0]!r}")
        for load in self.loads:
            if load.table not in tables:
                raise ValueError(f"the load {load.id!r} fills {load.table!r}, which is not among the tables")
        return self

    @property
    def outside_reads(self) -> list[str]:
        """Tables that loads read in the target, and that this datakit does not have; sorted."""
        own = {table.name for table in self.tables}
        return sorted({table for load in self.loads for table in load.reads} - own)

    def load(self, load_id: str) -> DescribedLoad:
        """A load by its id.

        Raises:
            DescriptionError: there is none.
        """
        for load in self.loads:
            if load.id == load_id:
                return load
        raise DescriptionError(
            f"datakit {self.name!r} has no load {load_id!r}",
            hint=f"it has: {', '.join(load.id for load in self.loads) or 'none'}",
        )

    def loads_of(self, table: str) -> list[str]:
        """The ids of the loads that fill a table, in declared order."""
        return [load.id for load in self.loads if load.table == table]

    def upstream_of(self, load_id: str) -> list[str]:
        """The ids of the loads that must be done right before a load, in declared order.

        These are all that fill a table that it reads, and those declared before it that fill the same table
        as itself, since two never write one table at once.

        Raises:
            DescriptionError: there is no such load.
        """
        load = self.load(load_id)
        ids = [each.id for each in self.loads]
        earlier = ids[: ids.index(load_id)]
        return [
            each.id
            for each in self.loads
            if each.id != load_id
            and (each.table in load.reads or (each.table == load.table and each.id in earlier))
        ]

    def load_order(self) -> list[str]:
        """The ids of the loads, each after those that it waits for, else in declared order.

        Raises:
            DeclarationError: some wait for one another.
        """
        waiting = {load.id: self.upstream_of(load.id) for load in self.loads}
        order: dict[str, None] = {}
        while waiting:
            ready = next((one for one, before in waiting.items() if order.keys() >= set(before)), None)
            if ready is None:
                raise self._cycle(waiting)
            order[ready] = None
            del waiting[ready]
        return list(order)

    def _cycle(self, waiting: dict[str, list[str]]) -> DeclarationError:
        way: list[str] = [next(iter(waiting))]
        while len(set(way)) == len(way):
            way.append(next(one for one in waiting[way[-1]] if one in waiting))
        circle = way[way.index(way[-1]) :]
        return DeclarationError(
            f"datakit {self.name!r}: loads wait for one another: {' waits for '.join(circle)}",
            hint="a load waits for what fills the tables that it reads, refers to or has foreign keys to; "
            "take one of these away, or run the whole datakit, which loads in declared order",
        )

    def text(self) -> str:
        """The description as JSON; the same description gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def read_description(path: Path) -> Description:
    """Read the description of a datakit from a file.

    Args:
        path: a file that `datakit describe NAME --output FILE` wrote.

    Raises:
        DescriptionError: it is not there, or is no description that this version can read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DescriptionError(
            f"{path}: there is no such file", hint="write it: datakit describe NAME --output FILE"
        ) from None
    except OSError as error:
        raise DescriptionError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DescriptionError(f"{path} cannot be read: it is not UTF-8", hint=_WRITE_AGAIN) from None
    except json.JSONDecodeError as error:
        raise DescriptionError(
            f"{path}: line {error.lineno}: not valid JSON: {error.msg}", hint=_WRITE_AGAIN
        ) from None
    except RecursionError:
        raise DescriptionError(f"{path}: values are nested too deeply", hint=_WRITE_AGAIN) from None
    if not isinstance(content, dict) or "format" not in content:
        raise DescriptionError(f"{path} is no description of a datakit", hint=_WRITE_AGAIN)
    if content["format"] != FORMAT or isinstance(content["format"], bool):
        raise DescriptionError(
            f"{path} is of format {content['format']!r}; this version reads format {FORMAT}",
            hint="use the version of sqlmodel-framework that wrote it, or write it again with this one",
        )
    try:
        return Description.model_validate(content)
    except ValidationError as error:
        raise DescriptionError(f"{path}: {_told(error)}", hint=_WRITE_AGAIN) from None


def _told(error: ValidationError) -> str:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    # A name that is mistyped explains the one that is missing.
    found.sort(key=lambda one: one["type"] != "extra_forbidden")
    message = str(found[0]["msg"]).removeprefix("Value error, ")
    field = ".".join(map(str, found[0]["loc"]))
    return f"{field}: {message}" if field else message


def description_schema() -> dict[str, Any]:
    """The JSON Schema of a datakit's description."""
    return Description.model_json_schema(mode="serialization")
