"""Plan a datakit: compare what a target is with what is declared, and write down the changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.engine import URL

from .. import __version__
from ..base.datakit import Datakit
from ..base.declarations import Rename, RenameTable, Rows
from ..base.discovery import find_datakit
from ..engines.registry import engine_for
from ..targets.settings import resolve_target
from ..targets.target import Target
from .change import Step
from .changes import changes_for
from .declared import Declared, declare, declare_datakit
from .difference import differences
from .names import name_of, split_name
from .plan import Plan
from .reconciling import Reconciled, reconcile
from .record import Recorded, fingerprints_of, read_recorded
from .renaming import renamed
from .rows import row_changes
from .snapshot import Scope, Snapshot

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["Planned", "in_words", "plan_datakit", "plan_towards", "plan_with", "recorded_of"]


@dataclass(frozen=True)
class Planned:
    """A plan with all that it was made from, for whoever applies it over the same connection.

    Attributes:
        plan: the plan.
        declared: what the datakit declares.
        reconciled: what the target was, and should be.
        scope: where was looked.
        recorded: what the ledger knew.
        ledger: the statements that the ledger itself needs.
    """

    plan: Plan
    declared: Declared
    reconciled: Reconciled
    scope: Scope
    recorded: Recorded
    ledger: tuple[Step, ...]

    @property
    def is_recorded(self) -> bool:
        """Whether the ledger knows the target as it will be: nothing changes, and nothing was left out.

        It was when a deployment was killed before its last statement, or the ledger was lost.
        """
        return self.plan.empty and self.recorded.fingerprints == self.declared.fingerprints


def plan_datakit(
    datakit: Datakit | str,
    target: Target | URL | str,
    *,
    engine: BaseEngine | type[BaseEngine] | None = None,
) -> Plan:
    """The changes that would take a target to what a datakit declares; nothing is changed.

    Args:
        datakit: a datakit, or its name; as for `deploy_datakit`.
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own, an instance or a class; by default the one for the URL's dialect.

    Raises:
        DatakitNotFoundError: there is no such datakit.
        DeclarationError: the datakit has no tables, or declares some that cannot work.
        TargetError: the target is unknown or refuses the credentials.
        UnavailableError: the database does not answer.
    """
    kit = find_datakit(datakit)
    used = engine_for(resolve_target(target), engine)
    with used.connect(), used.transaction():
        return plan_with(used, kit).plan


def plan_with(engine: BaseEngine, datakit: Datakit, saved: Plan | None = None) -> Planned:
    """Plan over an engine that is connected and in a transaction; see `plan_datakit` and `plan_towards`."""
    return plan_towards(
        engine,
        declare_datakit(engine, datakit),
        datakit=datakit.name,
        version=datakit.version,
        fingerprint=datakit.fingerprint,
        renames=datakit.renames,
        rows=datakit.rows,
        saved=saved,
    )


def plan_towards(
    engine: BaseEngine,
    declared: Declared,
    *,
    datakit: str,
    version: str,
    fingerprint: Callable[[], str],
    renames: Sequence[Rename] = (),
    rows: Sequence[Rows] = (),
    saved: Plan | None = None,
) -> Planned:
    """Plan towards any declaration, over an engine that is connected and in a transaction.

    A plan that was saved is taken over where another could not come out differently: nothing that it was
    made from has changed, and there are no tables yet whose rows could count.
    """
    ledger = declare(engine, _ledger_tables(engine))
    scope = declared.scope | Scope(tables=frozenset((t.schema, t.name) for t in ledger.tables.values()))
    old_places = [split_name(rename.old) for rename in renames if isinstance(rename, RenameTable)]
    scope |= Scope(tables=frozenset(old_places))
    with ThreadPoolExecutor(1) as beside:
        # What takes long to work out is, while the database looks for its answers.
        declaration = beside.submit(fingerprint)
        live = engine.read_snapshot(scope)
    recorded = _recorded(engine, live, datakit)
    own = live.without_tables(ledger.tables)
    changes, own, recorded = renamed(engine, renames, own, recorded)
    reconciled = reconcile(engine, declared, own, recorded)
    have = reconciled.have
    plan = Plan(
        datakit=datakit,
        version=version,
        fingerprint=declaration.result(),
        framework_version=__version__,
        target=engine.target.name,
        dialect=engine.target.dialect,
        server=engine.server,
        base="" if have.tables else _hash_of(have),
        undeclared=tuple(in_words(*each) for each in reconciled.undeclared),
    )
    if saved is not None and not own.tables and plan == replace(saved, target=plan.target, changes=()):
        changes = [*saved.changes]
    else:
        changes += changes_for(engine, differences(have, reconciled.want), have, declared.tables)
        changes += row_changes(engine, rows, own)
    base = (plan.base or _hash_of(have)) if changes else ""
    plan = replace(plan, base=base, changes=tuple(changes))
    return Planned(plan, declared, reconciled, scope, recorded, _ledger_steps(engine, ledger, live))


def recorded_of(engine: BaseEngine, datakit: str) -> Recorded:
    """What the ledger knows of a datakit; nothing where there is no ledger."""
    from ..runs.ledger import ObjectRecord, table

    objects = table(ObjectRecord)
    if not engine.keeps_ledger or not engine.has_tables([objects]):
        return Recorded()
    return read_recorded(engine.connection, objects, datakit)


def in_words(kind: str, table: str, name: str) -> str:
    """An object for people."""
    return f"{kind} {name}" + (f" of {table}" if table else "")


def _ledger_tables(engine: BaseEngine) -> list[Table]:
    if not engine.keeps_ledger:
        return []
    from ..runs.ledger import ledger_tables

    return ledger_tables()


def _recorded(engine: BaseEngine, live: Snapshot, datakit: str) -> Recorded:
    if not engine.keeps_ledger:
        return Recorded()
    from ..runs.ledger import ObjectRecord, table

    objects = table(ObjectRecord)
    if name_of(objects) not in live.tables:
        return Recorded()
    return read_recorded(engine.connection, objects, datakit)


def _ledger_steps(engine: BaseEngine, ledger: Declared, live: Snapshot) -> tuple[Step, ...]:
    """What the ledger itself lacks; it only ever grows."""
    tables = {name: shape for name, shape in live.tables.items() if name in ledger.tables}
    own = Snapshot(live.schemas & ledger.snapshot.schemas, tables)
    wanted = {name: engine.comparable(shape) for name, shape in ledger.snapshot.tables.items()}
    want = replace(ledger.snapshot, tables=wanted)
    missing = [each for each in differences(own, want) if each.have is None and each.want is not None]
    if not missing:
        return ()
    writer = engine.ddl(own, ledger.tables)
    writer.expect(missing)
    steps = [step for difference in missing for step in writer.write(difference)]
    return tuple(sorted(steps, key=lambda step: step.phase))


def _hash_of(snapshot: Snapshot) -> str:
    lines = sorted(f"{kind} {name} {hash_}" for (kind, name), hash_ in fingerprints_of(snapshot).items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
