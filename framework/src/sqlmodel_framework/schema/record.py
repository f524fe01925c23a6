"""What the ledger knows of each object that was deployed: its declaration's hash and its shape afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Connection, case, insert, null, select, update

from .snapshot import EnumShape, Grant, RoutineShape, SequenceShape, Snapshot, TableShape, ViewShape

if TYPE_CHECKING:
    from sqlalchemy import Table

__all__ = [
    "Recorded",
    "fingerprints_of",
    "objects_of",
    "read_recorded",
    "shape_from",
    "snapshot_of",
    "write_recorded",
]

Objects = Mapping[tuple[str, str], Any]

_KINDS: Mapping[str, TypeAdapter[Any]] = {
    "schema": TypeAdapter(str),
    "table": TypeAdapter(TableShape),
    "view": TypeAdapter(ViewShape),
    "routine": TypeAdapter(RoutineShape),
    "enum": TypeAdapter(EnumShape),
    "sequence": TypeAdapter(SequenceShape),
    "grant": TypeAdapter(Grant),
}


@dataclass(frozen=True)
class Recorded:
    """What the latest deployments recorded.

    Attributes:
        fingerprints: for each object of the datakit, by kind and full name, its declaration's hash.
        shapes: the same objects' shapes after their deployment.
        others: the objects of all other datakits, with the datakit's name.
    """

    fingerprints: Mapping[tuple[str, str], str] = field(default_factory=dict)
    shapes: Objects = field(default_factory=dict)
    others: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def grants(self) -> frozenset[Grant]:
        """The rights among the objects."""
        return frozenset(shape for (kind, _), shape in self.shapes.items() if kind == "grant")


def shape_from(kind: str, text: str) -> Any:
    """A shape that was written down."""
    return _KINDS[kind].validate_json(text)


def objects_of(snapshot: Snapshot) -> dict[tuple[str, str], Any]:
    """Every object of a snapshot by kind and full name."""
    found: dict[tuple[str, str], Any] = {("schema", name): name for name in snapshot.schemas}
    for kind, objects in (
        ("table", snapshot.tables),
        ("view", snapshot.views),
        ("routine", snapshot.routines),
        ("enum", snapshot.enums),
        ("sequence", snapshot.sequences),
    ):
        found |= {(kind, name): shape for name, shape in objects.items()}
    found |= {("grant", " ".join((g.privilege, g.on, g.name, g.to))): g for g in snapshot.grants}
    return found


def snapshot_of(objects: Objects) -> Snapshot:
    """The snapshot that objects by kind and full name make up."""
    by_kind: dict[str, dict[str, Any]] = {kind: {} for kind in _KINDS}
    for (kind, name), shape in objects.items():
        by_kind[kind][name] = shape
    return Snapshot(
        schemas=frozenset(by_kind["schema"]),
        tables=by_kind["table"],
        views=by_kind["view"],
        routines=by_kind["routine"],
        enums=by_kind["enum"],
        sequences=by_kind["sequence"],
        grants=frozenset(by_kind["grant"].values()),
    )


def fingerprints_of(snapshot: Snapshot) -> dict[tuple[str, str], str]:
    """A hash of each object of a snapshot."""
    return {
        (kind, name): hashlib.sha256(_KINDS[kind].dump_json(shape)).hexdigest()
        for (kind, name), shape in objects_of(snapshot).items()
    }


def read_recorded(connection: Connection, objects: Table, datakit: str) -> Recorded:
    """What is recorded now, in one query.

    Args:
        connection: in a transaction.
        objects: the ledger's table of objects.
        datakit: whose objects are wanted with their shapes.
    """
    own = objects.c.datakit == datakit
    rows = connection.execute(
        select(
            objects.c.datakit,
            objects.c.kind,
            objects.c.name,
            objects.c.fingerprint,
            case((own, objects.c.shape), else_=null()),
        ).where(objects.c.superseded_by.is_(None))
    )
    fingerprints: dict[tuple[str, str], str] = {}
    shapes: dict[tuple[str, str], Any] = {}
    others: dict[tuple[str, str], str] = {}
    found: Sequence[Any] = rows.all()
    for owner, kind, name, fingerprint, shape in found:
        if owner != datakit:
            others[kind, name] = owner
        elif shape is not None:
            fingerprints[kind, name] = fingerprint
            shapes[kind, name] = _KINDS[kind].validate_json(shape)
    return Recorded(fingerprints, shapes, others)


def write_recorded(
    connection: Connection,
    objects: Table,
    datakit: str,
    deployment: UUID,
    fingerprints: Mapping[tuple[str, str], str],
    shapes: Objects,
    before: Recorded,
) -> None:
    """Record what there is now of a datakit; what is as it was keeps its row.

    Args:
        connection: in a transaction.
        objects: the ledger's table of objects.
        datakit: whose objects they are.
        deployment: the deployment that made them so.
        fingerprints: for each object, its declaration's hash.
        shapes: each object as it is now.
        before: what was recorded until now.
    """
    changed = [
        key
        for key, shape in shapes.items()
        if before.shapes.get(key) != shape or before.fingerprints.get(key) != fingerprints.get(key, "")
    ]
    gone = [key for key in before.shapes if key not in shapes]
    for key in [*gone, *(key for key in changed if key in before.shapes)]:
        connection.execute(
            update(objects)
            .where(
                objects.c.datakit == datakit,
                objects.c.kind == key[0],
                objects.c.name == key[1],
                objects.c.superseded_by.is_(None),
            )
            .values(superseded_by=deployment)
        )
    rows = [*_rows(changed, fingerprints, shapes), *_rows(gone, {}, {})]
    common = {"datakit": datakit, "deployment_id": deployment}
    if rows:
        connection.execute(insert(objects), [common | row for row in rows])


def _rows(
    keys: Iterable[tuple[str, str]], fingerprints: Mapping[tuple[str, str], str], shapes: Objects
) -> Iterable[dict[str, Any]]:
    for kind, name in keys:
        shape = shapes.get((kind, name))
        yield {
            "kind": kind,
            "name": name,
            "fingerprint": fingerprints.get((kind, name), ""),
            # An object that is gone leaves a row without a shape.
            "shape": None if shape is None else _KINDS[kind].dump_json(shape).decode(),
        }
