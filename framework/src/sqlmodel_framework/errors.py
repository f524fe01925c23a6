"""What can go wrong, and whether trying again can help.

Every error of this package is a `DatakitError`. `TerminalError` means that the same call
fails again until somebody changes something; `TransientError` means that a later try can
succeed. The message is one line; `hint` says what to do. `exit_code` is what the command
`datakit` exits with.
"""

from __future__ import annotations

from typing import ClassVar


class DatakitError(Exception):
    """The base of every error here; raised itself only for a bug in this package (exit code 70).

    Attributes:
        message: one line: what is wrong, and where. Never holds a secret.
        hint: one line: what to do about it, or None.
        table: the table that is concerned, `schema.name`, or None.
        column: the column that is concerned, or None.
        target: the name of the target that is concerned, or None.
    """

    exit_code: ClassVar[int] = 70

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

    exit_code: ClassVar[int] = 64


class DeclarationError(TerminalError):
    """A datakit, a table, a load or a rule is declared in a way that cannot work."""


class DatakitNotFoundError(TerminalError):
    """There is no datakit of that name, or it cannot be imported."""


class TargetError(TerminalError):
    """A target is unknown, badly written, unsafe, or refuses these credentials."""


class SpecError(TerminalError):
    """A run's specification is missing, or cannot be read."""


class ContractError(TerminalError):
    """Data, or a table that already exists, breaks what was declared (exit code 65)."""

    exit_code: ClassVar[int] = 65


class TableDiffersError(ContractError):
    """A table exists with other columns than the ones declared; nothing was changed.

    Attributes:
        differences: one line for each difference, each naming its table.
    """

    def __init__(self, message: str, *, differences: tuple[str, ...], hint: str, target: str | None) -> None:
        super().__init__(message, hint=hint, target=target)
        self.differences = differences


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

    exit_code: ClassVar[int] = 69


class UnavailableError(TransientError):
    """A database does not answer, is full, or went away."""


class LockedError(TransientError):
    """Somebody else holds the lock that this work needs (exit code 75)."""

    exit_code: ClassVar[int] = 75


class StoppedError(TransientError):
    """SIGTERM came; what was under way was rolled back (exit code 143)."""

    exit_code: ClassVar[int] = 143
