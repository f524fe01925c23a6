"""A plan: the ordered changes that take a target from what it is to what a datakit declares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..errors import PlanError
from .change import Change, Step

__all__ = ["Plan", "read_plan"]

_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be done to a target, and what it would cost.

    Attributes:
        datakit: the datakit's name.
        version: the datakit's version.
        fingerprint: SHA-256 over what the datakit declares, in hex.
        framework_version: of the framework that made the plan.
        target: the target's name.
        dialect: the kind of database.
        server: the kind of database that answered, and its version.
        base: SHA-256 over what the target was when the plan was made, in hex.
        changes: in the order in which people would make them.
        undeclared: what is there in the datakit's schemas and nobody declared, in words; it is left alone.
    """

    datakit: str
    version: str
    fingerprint: str
    framework_version: str
    target: str
    dialect: str
    server: str
    base: str
    changes: tuple[Change, ...] = ()
    undeclared: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.changes

    @property
    def hash(self) -> str:
        """SHA-256 over the whole plan, in hex: what an approval is for."""
        return hashlib.sha256(_PLAN.dump_json(self)).hexdigest()

    @property
    def destructive(self) -> bool:
        """Whether something would be lost."""
        return any(change.loss for change in self.changes)

    @property
    def refusals(self) -> tuple[Change, ...]:
        """The changes that need to be allowed one by one, or cannot be done at all."""
        return tuple(change for change in self.changes if change.loss or change.blocked)

    def refused(self, allow: frozenset[str]) -> tuple[Change, ...]:
        """The changes that stay refused when those with these ids are allowed."""
        return tuple(c for c in self.refusals if c.blocked or c.id not in allow)

    def steps(self) -> list[Step]:
        """Every statement, in the order in which they are carried out."""
        steps = [step for change in self.changes for step in change.steps]
        return sorted(steps, key=lambda step: step.phase)

    def segments(self) -> Iterator[list[Step]]:
        """The steps in groups: each group is one transaction, or one statement outside of any."""
        group: list[Step] = []
        for step in self.steps():
            if step.alone:
                if group:
                    yield group
                yield [step]
                group = []
            else:
                group.append(step)
        if group:
            yield group

    def content(self) -> dict[str, Any]:
        """Everything in the plan, as what JSON can hold."""
        found: dict[str, Any] = json.loads(_PLAN.dump_json(self))
        return found

    def to_json(self) -> str:
        """The plan as a file that `read_plan` takes: itself and its hash."""
        return json.dumps({"format": _FORMAT, "sha256": self.hash, "plan": self.content()}, indent=1) + "\n"

    def save(self, path: Path) -> None:
        """Write the plan into a file, whole or not at all."""
        new = path.with_name(f"{path.name}.new")
        try:
            new.write_text(self.to_json(), encoding="utf-8")
            new.replace(path)
        except OSError as error:
            raise PlanError(f"the plan cannot be written to {path}: {error.strerror}") from None


_PLAN = TypeAdapter(Plan)


def read_plan(path: Path) -> Plan:
    """Read a plan that was saved.

    Raises:
        PlanError: there is no such file, it is no plan, or it was edited since it was saved.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"the plan {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PlanError(f"{path} is not a saved plan: {error}") from None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise PlanError(f"{path} is not a saved plan of this version", hint="plan again, and save it")
    try:
        plan = _PLAN.validate_python(content.get("plan"))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PlanError(f"{path} is not a saved plan: {place}: {first['msg']}") from None
    if plan.hash != content.get("sha256"):
        raise PlanError(
            f"the plan {path} was edited after it was saved",
            hint="change the declaration instead, and plan again",
        )
    return plan
