"""What can go wrong, and whether trying again can help.

Every error of this package is a `DatakitError`. `TerminalError` means that the same call
fails again until somebody changes something; `TransientError` means that a later try can
succeed. The message is one line; `hint` says what to do. `exit_code` is what the command
`datakit` exits with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .schema.change import Change


class DatakitError(Exception):
    """The base of every error here; raised itself only for a bug in this package (exit code 70).

    Attributes:
        message: one line: what is wrong, and where. Never holds a secret.
        hint: one line: what to do about it, or None.
        table: the table that is concerned, `schema.name`, or None.
        column: the column that is concerned, or None.
        target: the name of the target that is concerned, or None.
        exit_code: what the command `datakit` exits with.
    """

    exit_code: int = 70

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        table: str | None = None,
        column: str | None = None,
        target: str | None = None,
    ) -> None:
        self.message = " ".join(message.split())
        self.hint = hint
        self.table = table
        self.column = column
        self.target = target
        super().__init__(self.message)


class TerminalError(DatakitError):
    """Trying again does not help: something must be changed first (exit code 64)."""

    exit_code: int = 64


class DeclarationError(TerminalError):
    """A datakit, a table, a load or a rule is declared in a way that cannot work."""


class DatakitNotFoundError(TerminalError):
    """There is no datakit of that name, or it cannot be imported."""


class TargetError(TerminalError):
    """A target is unknown, badly written, unsafe, or refuses these credentials."""


class UnsupportedVersionError(TerminalError):
    """A server is of a version that is not supported.

    Attributes:
        found: the server's version.
        oldest: the oldest version that is supported.
    """

    def __init__(self, message: str, *, found: str, oldest: str, target: str) -> None:
        super().__init__(message, hint=f"use {oldest} or later", target=target)
        self.found = found
        self.oldest = oldest


class SpecError(TerminalError):
    """A run's specification is missing, or cannot be read."""


class DescriptionError(TerminalError):
    """A datakit's description is missing, or cannot be read."""


class ContractError(TerminalError):
    """Data, or a table that already exists, breaks what was declared (exit code 65)."""

    exit_code: int = 65


class RefusedChangesError(ContractError):
    """Changes would destroy something, or cannot be made as the data stands; nothing was changed.

    Attributes:
        changes: the refused `Change`s of the plan.
        plan_hash: the hash of the whole plan: what an approval of it is for.
    """

    def __init__(
        self, target: str, changes: tuple[Change, ...], *, plan_hash: str = "", approved: str | None = None
    ) -> None:
        reasons = [
            f"{change.id} ({'; '.join(filter(None, (change.detail, change.blocked, _loss(change))))})"
            for change in changes
        ]
        allowed = " ".join(f"--allow '{change.id}'" for change in changes if not change.blocked)
        hint = "change the declaration, or what is in its way"
        if allowed:
            hint = f"what is meant can be allowed, one by one: {allowed}"
        other = f", and the plan that was approved, {approved}, is another one" if approved else ""
        super().__init__(
            f"target {target}: nothing was changed, refused: {'; '.join(reasons)}{other}",
            hint=hint,
            target=target,
        )
        self.changes = changes
        self.plan_hash = plan_hash


def _loss(change: Change) -> str:
    return f"loses {change.loss}" if change.loss else ""


class PlanError(TerminalError):
    """A saved plan cannot be read, was edited, or no longer fits its target; nothing was changed."""


class InvalidRowError(ContractError, ValueError):
    """A row of a typed table has a value that its declaration does not allow.

    It is a ValueError too, so that pydantic reports it as one of its own where a table's class stands
    inside of another model.

    Attributes:
        problems: one line for each problem, each naming table and column.
    """

    def __init__(
        self, message: str, *, problems: tuple[str, ...], table: str | None, column: str | None
    ) -> None:
        super().__init__(message, table=table, column=column)
        self.problems = problems


class TransientError(DatakitError):
    """A later try can succeed: a service is unavailable (exit code 69)."""

    exit_code: int = 69


class UnavailableError(TransientError):
    """A database does not answer, is full, or went away."""


class LockedError(TransientError):
    """Somebody else holds the lock that this work needs (exit code 75)."""

    exit_code: int = 75


class StoppedError(TransientError):
    """SIGTERM came; what was under way was rolled back (exit code 143)."""

    exit_code: int = 143
