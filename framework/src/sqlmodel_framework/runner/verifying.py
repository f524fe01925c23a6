"""The step `verify`: whether the target holds what the databases behind its loads offer."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import JsonValue

from ..errors import ContractError, TerminalError, TransientError
from ..loading.sources import DatabaseSource
from ..runs.chosen import chosen_loads
from ..runs.event_lines import EventLines
from ..runs.report import CheckReport
from ..verify.events import LoadVerified, VerifyEvent
from ..verify.result import LoadVerification
from ..verify.verify import verify_datakit
from .asked import asked_loads
from .step import Step, StepContext

__all__ = ["VERIFY"]

# A report is one line, and goes through a scheduler's own database.
_MOST_CHUNKS = 100


def _verified_loads(context: StepContext) -> list[str]:
    """The loads that are asked for; without any, those whose source is a database.

    Raises:
        TerminalError: there is no such load, or none that reads a database.
    """
    datakit = context.datakit()
    asked = asked_loads(context)
    if asked is not None:
        return [load.id for load in chosen_loads(datakit, asked)]
    found = [load.id for load in datakit.loads if isinstance(load.source, DatabaseSource)]
    if not found:
        raise TerminalError(
            f"no load of datakit {datakit.name!r} reads a database, so there is nothing to compare with",
            hint="name the loads to verify in the parameter `loads`",
        )
    return found


def _verify(context: StepContext) -> None:
    assert context.target is not None
    lines = EventLines(lambda what, values: context.log.info(what, **values))

    def tell(event: VerifyEvent) -> None:
        if isinstance(event, LoadVerified):
            _record(context, event.result)
        else:
            lines(event)

    found = verify_datakit(
        context.datakit(),
        context.target,
        loads=_verified_loads(context),
        sources=context.sources,
        on_event=tell,
    )
    if found.differs:
        names = ", ".join(_id(load) for load in found.of("differs"))
        raise ContractError(
            f"target {found.target} differs from its sources in {names}",
            hint="details.differences says which chunks; if the sources changed since, load again",
            target=found.target,
        )
    errors = [(load, load.error) for load in found.loads if load.error is not None]
    for _, error in errors:
        if isinstance(error, TransientError):
            raise error
    if errors:
        names = ", ".join(_id(load) for load, _ in errors)
        raise TerminalError(
            f"target {found.target}: {names} cannot be verified: {errors[0][1].message}",
            hint=errors[0][1].hint,
        )


def _id(load: LoadVerification) -> str:
    return f"{load.layer}.{load.load}"


def _record(context: StepContext, load: LoadVerification) -> None:
    of = load.comparison
    if of is None:
        context.log.warning("not verified", load=_id(load), reason=load.reason)
        return
    refused = of.rejected if load.contract == "enforce" else 0
    rows = sum(chunk.missing + chunk.changed + chunk.extra for chunk in of.differences)
    context.checks.append(CheckReport(name=f"verify {_id(load)}", offending=rows + of.altered + refused))
    say = context.log.info if load.status == "agrees" else context.log.warning
    say("verified", load=_id(load), rows=of.source_rows, chunks=of.chunks, differing=len(of.differences))
    if load.status != "differs":
        return
    chunks: list[JsonValue] = [
        {**asdict(chunk), "first": [*chunk.first], "last": [*chunk.last]}
        for chunk in of.differences[:_MOST_CHUNKS]
    ]
    differences = context.details.setdefault("differences", {})
    assert isinstance(differences, dict)
    differences[_id(load)] = {
        "altered": of.altered,
        "rejected": refused,
        "differing_chunks": len(of.differences),
        "chunks": chunks,
    }


VERIFY = Step(
    name="verify",
    summary="Compare the target with the databases that its loads read, or with the sources of `loads`.",
    run=_verify,
    parameters=frozenset({"loads"}),
    prepare=_verified_loads,
)
