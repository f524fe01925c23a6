"""Adopt a database that is there: write typed classes for its tables, and record where it stands."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL

from ..base.discovery import datakit_in
from ..base.scaffold import package_name, refuse_folder, write_package
from ..engines.registry import engine_for
from ..errors import ContractError, TerminalError
from ..targets.settings import resolve_target
from ..targets.target import Target
from .applying import carry_out
from .deployment import Deployment
from .existing import Existing, read_existing
from .planning import plan_with, recorded_of

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["Adoption", "adopt"]


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What came of an adoption.

    Attributes:
        datakit: the datakit's name.
        target: the target's name.
        folder: where its package was written; None if nothing was to be written.
        tables: the full names of the tables that have a class now.
        left_alone: what is there and was not adopted, in words.
        deployment: the baseline in the ledger; None if none was to be recorded.
    """

    datakit: str
    target: str
    folder: Path | None
    tables: tuple[str, ...]
    left_alone: tuple[str, ...]
    deployment: Deployment | None


def adopt(
    name: str,
    target: Target | URL | str,
    *,
    schemas: Collection[str] = (),
    folder: Path | None = None,
    engine: BaseEngine | type[BaseEngine] | None = None,
    dry_run: bool = False,
) -> Adoption:
    """Write a datakit with a typed class for each table that a target holds, and record a baseline.

    The baseline is a deployment that changes nothing but the ledger: the plan is empty after it. Where it
    would not be, nothing is recorded, and the error names what differs.

    Args:
        name: the datakit's: lower-case letters, digits, `-` and `_`; starts with a letter.
        target: a target, a name from `datakit.toml`, or a database URL.
        schemas: which schemas are adopted; by default all but the system's and the ledger's.
        folder: where the package is written, by default ./NAME; must not exist, or be empty.
        engine: an engine of your own, an instance or a class; by default the one for the URL's dialect.
        dry_run: whether it is only found out what would come of it; nothing stays.

    Raises:
        TerminalError: the name or the folder cannot be used; sqlacodegen is missing; there is no such schema,
            or no table; the datakit was deployed to the target before.
        ContractError: the plan would not be empty.
        TargetError: the target is unknown or refuses the credentials.
        UnavailableError: the database does not answer.
        LockedError: somebody else is deploying.
    """
    package = package_name(name)
    with _place(folder or Path(name), dry_run=dry_run) as place:
        used = engine_for(resolve_target(target), engine)
        if not (used.can_plan and used.keeps_ledger):
            raise TerminalError(f"{type(used).__name__} cannot read all that an adoption needs")
        with used.connect(), used.locked("deploy"):
            with used.transaction():
                existing, code = _read(used, name, schemas)
            names = sorted(_shown(each.schema, each.name) for each in existing.tables.values())
            write_package("adopted", name, place, {"tables": code.rstrip("\n"), "names": repr(names)})
            left_alone, deployment = _record(
                used, place / "src" / package, None if dry_run else place, existing.left_alone
            )
    return Adoption(
        datakit=name,
        target=used.target.name,
        folder=None if dry_run else place,
        tables=tuple(existing.tables),
        left_alone=left_alone,
        deployment=deployment,
    )


@contextmanager
def _place(folder: Path, *, dry_run: bool) -> Iterator[Path]:
    """Where the package is written."""
    refuse_folder(folder)
    if not dry_run:
        yield folder
        return
    with tempfile.TemporaryDirectory() as passing:
        yield Path(passing) / folder.name


def _read(engine: BaseEngine, name: str, schemas: Collection[str]) -> tuple[Existing, str]:
    """What there is, and the code that declares it."""
    try:
        from .adopted_code import classes_for
    except ImportError as error:
        raise TerminalError(
            f"adopting needs sqlacodegen: {error}", hint="pip install 'sqlmodel-framework[adopt]'"
        ) from None
    recorded = recorded_of(engine, name)
    if recorded.shapes:
        raise TerminalError(
            f"target {engine.target.name} knows datakit {name!r} already; nothing was written",
            hint=f"datakit plan {name} shows what differs; adopt other tables under another name",
            target=engine.target.name,
        )
    existing = read_existing(engine, schemas, recorded)
    if not existing.tables:
        where = f" in {', '.join(schemas)}" if schemas else ""
        raise TerminalError(
            f"target {engine.target.name} has no table to adopt{where}",
            hint="; ".join(existing.left_alone) or "name its schemas: --schema NAME",
            target=engine.target.name,
        )
    return existing, classes_for(engine.connection, existing.tables, engine.counting)


def _record(
    engine: BaseEngine, package: Path, folder: Path | None, left_alone: tuple[str, ...]
) -> tuple[tuple[str, ...], Deployment | None]:
    """Record what is there as deployed, if the plan is empty; the caller holds the lock.

    Raises:
        ContractError: it is not.
    """
    started = time.perf_counter()
    datakit = datakit_in(package)
    with engine.transaction():
        planned = plan_with(engine, datakit)
    if not planned.plan.empty:
        differences = "; ".join(
            f"{each.id} ({each.detail})" if each.detail else each.id for each in planned.plan.changes
        )
        written = f"the files are in {folder}" if folder is not None else "no file was written"
        raise ContractError(
            f"target {engine.target.name} is not what was written for it, and nothing was recorded; "
            f"{written}; a deployment would: {differences}",
            hint=None if folder is None else "correct the classes there, then deploy them",
            target=engine.target.name,
        )
    known = [*left_alone, *(each for each in planned.plan.undeclared if not _is_told(each, left_alone))]
    if folder is None:
        return tuple(known), None
    deployment = carry_out(engine, planned, frozenset())
    return tuple(known), replace(deployment, seconds=time.perf_counter() - started)


def _is_told(undeclared: str, left_alone: tuple[str, ...]) -> bool:
    return any(each == undeclared or each.startswith(f"{undeclared},") for each in left_alone)


def _shown(schema: str | None, name: str) -> str:
    return name if schema is None else f"{schema}.{name}"
