"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..errors import DatakitError
from ..loading.load import Contract

__all__ = ["ChunkDifference", "Comparison", "LoadVerification", "Status", "Verification"]

Status = Literal["agrees", "differs", "not verified"]


@dataclass(frozen=True, kw_only=True)
class ChunkDifference:
    """A chunk of rows that the source and the target have differently.

    A checksum is the sum, modulo 2^64, of the first eight bytes of the hash of each row, in hex: it does not
    depend on the order of the rows.

    Attributes:
        number: of the chunk, from 1.
        first: the key of its first row, each value as text; without a key, the row's place in the source.
            Empty for rows that only the target has and that have no place.
        last: that of its last row.
        source_rows, source_checksum: what the source has.
        target_rows, target_checksum: what the target has of it.
        missing: rows that the target lacks.
        changed: rows whose key is there, with other values.
        extra: rows that the source lacks, where the load's mode says that there are none.
    """

    number: int
    first: tuple[str, ...]
    last: tuple[str, ...]
    source_rows: int
    source_checksum: str
    target_rows: int
    target_checksum: str
    missing: int
    changed: int
    extra: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The rows of one load, compared.

    Attributes:
        key: the columns by which the rows are put in order and cut into chunks; none for the source's order.
        source_rows: rows that the source offers and that keep the contract.
        target_rows: the rows of the target that stand against them.
        rejected: rows that the source offers and that break the contract.
        others: rows of the target that this load neither brings nor rules out: older versions in a bronze
            table, rows that a merge leaves alone.
        altered: rows of a bronze table whose values are not those of their row hash any more.
        chunks: how many chunks were compared.
        differences: those that differ.
    """

    key: tuple[str, ...]
    source_rows: int
    target_rows: int
    rejected: int = 0
    others: int = 0
    altered: int = 0
    chunks: int
    differences: tuple[ChunkDifference, ...]


@dataclass(frozen=True, kw_only=True)
class LoadVerification:
    """One load, compared, or why that could not be done.

    Attributes:
        load: the load's name.
        layer: the load's layer.
        table: the full name of its table.
        contract: what the load does with rows that break the contract.
        comparison: what was found; None where nothing could be compared.
        error: why nothing could be compared.
        seconds: how long it took.
    """

    load: str
    layer: str
    table: str
    contract: Contract
    comparison: Comparison | None = None
    error: DatakitError | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def status(self) -> Status:
        """Whether the two agree; rows in quarantine are accounted for, those that are enforced are not."""
        found = self.comparison
        if found is None:
            return "not verified"
        refused = found.rejected and self.contract == "enforce"
        return "differs" if found.differences or found.altered or refused else "agrees"

    @property
    def reason(self) -> str | None:
        """Why nothing could be compared, in one line."""
        return None if self.error is None else self.error.message


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found in a target, load by load.

    Attributes:
        datakit: the datakit's name.
        target: the target's name.
        loads: every load that was asked for, in the datakit's order.
        seconds: how long it took.
    """

    datakit: str
    target: str
    loads: tuple[LoadVerification, ...]
    seconds: float = field(default=0.0, compare=False)

    def of(self, status: Status) -> tuple[LoadVerification, ...]:
        """The loads of a status."""
        return tuple(load for load in self.loads if load.status == status)

    @property
    def differs(self) -> bool:
        """Whether a load differs."""
        return bool(self.of("differs"))
