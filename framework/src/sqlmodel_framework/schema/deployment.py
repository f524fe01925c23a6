"""What a deployment did."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID, uuid4

__all__ = ["Deployment"]


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """What a deployment did.

    Attributes:
        datakit: the datakit's name.
        version: the datakit's version.
        fingerprint: SHA-256 over the datakit's name, version and tables, in hex.
        target: the target's name.
        created_schemas: schemas that were missing.
        existing_schemas: schemas that were there.
        created_tables: tables that were missing, as `schema.name`.
        existing_tables: tables that were there, as declared.
        seconds: how long it took.
        deployment_id: its id in the ledger.
        changes: the id of each change that was made, such as "add column shop.item.price".
        plan_hash: the hash of the plan that was applied.
        undeclared: what is there in the datakit's schemas and nobody declared, in words.
        deployed_by: the database user, and the person and the machine as far as they are known.
    """

    datakit: str
    version: str
    fingerprint: str
    target: str
    created_schemas: tuple[str, ...]
    existing_schemas: tuple[str, ...]
    created_tables: tuple[str, ...]
    existing_tables: tuple[str, ...]
    seconds: float
    deployment_id: UUID = field(default_factory=uuid4)
    changes: tuple[str, ...] = ()
    plan_hash: str = ""
    undeclared: tuple[str, ...] = ()
    deployed_by: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""
        return bool(self.changes)
