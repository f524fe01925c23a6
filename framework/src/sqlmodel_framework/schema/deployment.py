"""What a deployment did."""

from __future__ import annotations

from dataclasses import dataclass

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

    @property
    def changed(self) -> bool:
        """Whether anything was created."""
        return bool(self.created_schemas or self.created_tables)
