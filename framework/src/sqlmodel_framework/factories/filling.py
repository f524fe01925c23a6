"""Rows for all tables of a datakit, made up and loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlmodel import SQLModel

from ..base.datakit import Datakit
from ..base.discovery import find_datakit
from ..base.models import BronzeTableMixin
from ..base.tables import table_of
from ..errors import DeclarationError
from ..loading.load import Load
from ..loading.modes import Append, Merge, Mode
from ..loading.sources import RowSource
from ..targets.settings import resolve_target
from .parents import HeldRows, Referred
from .recipe import Recipe
from .rows import check_count
from .written import WithWrittenKeys

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from ..runs.events import OnEvent
    from ..runs.result import RunResult
    from ..targets.target import Target

__all__ = ["Filling", "Fixed", "fill", "plan_filling"]

Fixed = Mapping[type[SQLModel], Mapping[str, Any]]
"""Values for tables, as `make_rows` takes them for one."""

_LAYER = "synthetic"
_APPEND = Append()


@dataclass(frozen=True)
class Filling:
    """What is going to be loaded.

    Attributes:
        datakit: the datakit, whose only loads are those of the made rows.
        counts: how many rows each table gets, by its full name, in the order in which they are loaded.
    """

    datakit: Datakit
    counts: Mapping[str, int]


def fill(
    datakit: Datakit | str | Iterable[type[SQLModel]],
    target: Target | URL | str,
    *,
    rows: int | Mapping[type[SQLModel], int],
    seed: int = 0,
    fixed: Fixed | None = None,
    mode: Mode = _APPEND,
    on_event: OnEvent | None = None,
) -> RunResult:
    """Deploy a datakit, and load made up rows into its tables, each after those that it refers to.

    The rows go the way of every load, as they are made, so that their number is not bounded by memory; only
    keys that the database makes are read back and held, where rows refer to them. The loads enforce the
    contract: one row that breaks it, and its table gets none. The datakit's own loads and checks are not
    run.

    The same seed makes the same keys. So tables that hold rows already are filled with `Replace()`, or with
    `Merge()`, or with keys of another kind by `fixed`.

    Args:
        datakit: a datakit, its name, or table classes alone.
        target: a target, a name from `datakit.toml`, or a database URL.
        rows: how many each table gets; or each of some classes, and the others none. Without being named, a
            table for which the datakit declares `rows` gets no others, and is referred to as declared.
        seed: other seeds make other rows.
        fixed: by class, values by column as `make_rows` takes them.
        mode: what is done with rows that are there. Bronze tables are always appended to.
        on_event: called with each event of the run.

    Raises:
        DeclarationError: no values can be made up for a column, which is found before anything is done.
        TerminalError: polyfactory is not installed.
        DatakitError: as `run_datakit`.
    """
    from ..runs.run import run_datakit

    used = resolve_target(target)
    filling = plan_filling(datakit, used, rows=rows, seed=seed, fixed=fixed, mode=mode)
    return run_datakit(filling.datakit, used, parts=("deploy", "load"), on_event=on_event)


def plan_filling(
    datakit: Datakit | str | Iterable[type[SQLModel]],
    target: Target | None,
    *,
    rows: int | Mapping[type[SQLModel], int],
    seed: int = 0,
    fixed: Fixed | None = None,
    mode: Mode = _APPEND,
) -> Filling:
    """What `fill` loads; nothing is made, and nothing is asked of the target before it is loaded into.

    Args:
        datakit: as of `fill`.
        target: where keys are read back from; without one, what is planned cannot be loaded.
        rows: as of `fill`.
        seed: as of `fill`.
        fixed: as of `fill`.
        mode: as of `fill`.

    Raises:
        DeclarationError: as `fill`.
        TerminalError: as `fill`.
    """
    kit = _datakit(datakit)
    classes = {table_of(cls).fullname: cls for cls in kit.table_classes()}
    given = fixed or {}
    for cls in [*given, *(rows if isinstance(rows, Mapping) else ())]:
        if cls not in classes.values():
            raise DeclarationError(
                f"{table_of(cls).fullname} is not among the tables of datakit {kit.name!r}",
                table=table_of(cls).fullname,
            )
    declared = {table_of(item.model).fullname: item for item in kit.rows}
    referred: dict[str, Referred] = {}
    loads: list[Load] = []
    counts: dict[str, int] = {}
    for table in kit.sorted_tables():
        cls, name = classes[table.fullname], table.fullname
        if name in declared and not (isinstance(rows, Mapping) and cls in rows):
            item = declared[name]
            referred[name] = HeldRows(cls, [item.values(row) for row in item.rows])
            continue
        count = rows.get(cls, 0) if isinstance(rows, Mapping) else rows
        check_count(cls, count)
        recipe = Recipe(cls, count, seed, referred, given.get(cls, {}))
        referred[name] = WithWrittenKeys(recipe, target)
        if count:
            counts[name] = count
            loads.append(_load(recipe, mode))
    return Filling(replace(kit, loads=tuple(loads), checks=(), report=None), counts)


def _datakit(datakit: Datakit | str | Iterable[type[SQLModel]]) -> Datakit:
    if isinstance(datakit, Datakit | str):
        return find_datakit(datakit)
    return Datakit(name=_LAYER, version="1", tables=tuple(datakit))


def _load(recipe: Recipe, mode: Mode) -> Load:
    table, name = recipe.table, table_of(recipe.table).fullname
    return Load(
        table=table,
        name=name,
        layer=_LAYER,
        source=RowSource(rows=recipe.rows, name=name, columns=recipe.columns, system=_LAYER),
        mode=Merge() if issubclass(table, BronzeTableMixin) else mode,
        contract="enforce",
    )
