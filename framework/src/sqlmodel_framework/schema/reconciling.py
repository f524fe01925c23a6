"""What is there and what should be, made comparable: in the same words, without what is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .declared import Declared
from .difference import Difference, table_differences
from .record import Recorded
from .snapshot import Snapshot, TableShape, ViewShape

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["Reconciled", "own_part", "reconcile", "without"]

# What can stand beside a declared table's own parts without standing in its way.
_PARTS: Mapping[str, str] = {
    "unique": "uniques",
    "check": "checks",
    "foreign key": "foreign_keys",
    "index": "indexes",
    "trigger": "triggers",
    "partition": "partitions",
}


@dataclass(frozen=True)
class Reconciled:
    """Two snapshots that can be compared.

    Attributes:
        have: what there is of what is declared now, or was declared by this datakit.
        want: what should be.
        undeclared: what is there, belongs to no datakit, and is left alone: kind, table or "", and name.
    """

    have: Snapshot
    want: Snapshot
    undeclared: tuple[tuple[str, str, str], ...]


def reconcile(engine: BaseEngine, declared: Declared, live: Snapshot, recorded: Recorded) -> Reconciled:
    """Make what there is and what is declared comparable.

    A declaration that is as it was when it was deployed means what the ledger recorded then. What another
    one means is asked of the database, of all tables at once.
    """
    want = replace(
        declared.snapshot,
        tables=_wanted_tables(engine, declared, live, recorded),
        views=_wanted_views(engine, declared, live, recorded),
    )
    return own_part(live, want, recorded)


def own_part(live: Snapshot, want: Snapshot, recorded: Recorded) -> Reconciled:
    """Of what there is, what is wanted or was deployed by this datakit; what is nobody's is noted."""
    undeclared: list[tuple[str, str, str]] = []
    have = Snapshot(
        schemas=live.schemas & want.schemas,
        tables=_own_tables(live, want, recorded, undeclared),
        views=_own("view", live.views, want.views, recorded, undeclared),
        routines=_own("routine", live.routines, want.routines, recorded, undeclared),
        enums=_own("enum", live.enums, want.enums, recorded, undeclared),
        sequences=_own("sequence", live.sequences, want.sequences, recorded, undeclared),
        grants=frozenset(grant for grant in live.grants if grant in want.grants or grant in recorded.grants),
    )
    undeclared += [
        ("grant", grant.name, f"{grant.privilege} to {grant.to}")
        for grant in sorted(live.grants - have.grants)
    ]
    return Reconciled(have, want, tuple(undeclared))


def without(shape: TableShape, table: str, parts: frozenset[tuple[str, str, str]]) -> TableShape:
    """A table without those of its parts that nobody declared."""
    changed: dict[str, Any] = {
        attribute: {
            name: part for name, part in getattr(shape, attribute).items() if (kind, table, name) not in parts
        }
        for kind, attribute in _PARTS.items()
        if any(each[:2] == (kind, table) for each in parts)
    }
    return replace(shape, **changed) if changed else shape


def _wanted_tables(
    engine: BaseEngine, declared: Declared, live: Snapshot, recorded: Recorded
) -> dict[str, TableShape]:
    want: dict[str, TableShape] = {}
    unsure = []
    for name, raw in declared.snapshot.tables.items():
        if name not in declared.tables:
            # From the ledger, so it is in the database's words.
            want[name] = raw
            continue
        key = ("table", name)
        shape = engine.comparable(raw)
        want[name] = shape
        if recorded.fingerprints.get(key) == declared.fingerprints[key]:
            want[name] = recorded.shapes[key]
        elif name in live.tables and live.tables[name] != shape:
            unsure.append(name)
    if unsure:
        want |= {name: engine.comparable(shape) for name, shape in engine.canonical(declared, unsure).items()}
    return want


def _wanted_views(
    engine: BaseEngine, declared: Declared, live: Snapshot, recorded: Recorded
) -> dict[str, ViewShape]:
    want: dict[str, ViewShape] = {}
    for name, raw in declared.snapshot.views.items():
        key = ("view", name)
        if recorded.fingerprints.get(key) == declared.fingerprints[key]:
            want[name] = recorded.shapes[key]
        else:
            want[name] = engine.canonical_view(raw) if name in live.views else raw
    return want


def _own(
    kind: str,
    live: Mapping[str, Any],
    want: Mapping[str, Any],
    recorded: Recorded,
    undeclared: list[tuple[str, str, str]],
) -> dict[str, Any]:
    """The objects that are declared, or were; others that are no datakit's are noted."""
    own = {}
    for name, shape in live.items():
        if name in want or (kind, name) in recorded.shapes:
            own[name] = shape
        elif (kind, name) not in recorded.others:
            undeclared.append((kind, "", name))
    return own


def _own_tables(
    live: Snapshot, want: Snapshot, recorded: Recorded, undeclared: list[tuple[str, str, str]]
) -> dict[str, TableShape]:
    # A view is told among the tables as well, as what may stand in a table's place.
    tables = {
        name: shape for name, shape in live.tables.items() if name in want.tables or name not in live.views
    }
    own: dict[str, TableShape] = _own("table", tables, want.tables, recorded, undeclared)
    for name, shape in own.items():
        wanted = want.tables.get(name)
        if wanted is None or wanted == shape:
            continue
        known = recorded.shapes.get(("table", name))
        parts = frozenset(
            (difference.kind, name, difference.name)
            for difference in table_differences(name, shape, wanted)
            if _is_nobodys(difference, wanted, known)
        )
        undeclared += sorted(parts)
        own[name] = without(shape, name, parts)
    return own


def _is_nobodys(difference: Difference, wanted: TableShape, known: TableShape | None) -> bool:
    if difference.want is not None or difference.kind not in _PARTS:
        return False
    attribute = _PARTS[difference.kind]
    # What has the name of something declared stands in its way.
    if difference.name in getattr(wanted, attribute):
        return False
    return known is None or difference.name not in getattr(known, attribute)
