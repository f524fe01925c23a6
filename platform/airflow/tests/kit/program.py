"""A runner whose steps behave as a file says, which is what the tests of outcomes are about."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from sqlmodel_framework.errors import ContractError, TerminalError, UnavailableError
from sqlmodel_framework.runner import Runner, Step, StepContext
from sqlmodel_framework.runs.report import TableReport

FOLDER = Path(os.environ["KIT_FOLDER"])


def behave(context: StepContext) -> None:
    spec = context.spec
    with (FOLDER / "runs.jsonl").open("a") as file:
        file.write(spec.model_dump_json() + "\n")
    assert spec.target is not None
    if spec.target.password_file is not None:
        (FOLDER / "password").write_text(spec.target.password_file.read_text())
        (FOLDER / "mode").write_text(oct(spec.target.password_file.stat().st_mode & 0o777))
    behaviours = json.loads((FOLDER / "behaviours.json").read_text())
    queue: list[Any] = behaviours.get(spec.step, [])
    match queue.pop(0) if queue else "succeed":
        case "break_contract":
            error: Exception = ContractError("3 rows have no price", hint="mend them")
        case "mistake":
            error = TerminalError("the step knows no such thing")
        case "outage":
            error = UnavailableError("the database does not answer")
        case "bug":
            error = ValueError("oh")
        case "exit":
            os._exit(0)
        case "die":
            os._exit(137)
        case "garbage":
            os.write(1, b"all went well\n")
            os._exit(0)
        case "wait":
            (FOLDER / "waiting").touch()
            time.sleep(60)
            return
        case {"details": dict() as details}:
            context.details.update(details)
            error = None  # type: ignore[assignment]
        case {"made": list() as made}:
            context.tables += [TableReport(table=table, layer="gold", written=5) for table in made]
            error = None  # type: ignore[assignment]
        case _:
            error = None  # type: ignore[assignment]
    (FOLDER / "behaviours.json").write_text(json.dumps({**behaviours, spec.step: queue}))
    for load in spec.parameters.get("loads", []):  # type: ignore[union-attr]
        layer, _, name = str(load).partition(".")
        context.tables.append(TableReport(table=name, layer=layer, read=3, written=2, rejected=1))
    context.log.info("load finished", table="sales", read=3)
    if error is not None:
        raise error


STEPS = [
    Step(
        name=name,
        summary=name,
        run=behave,
        needs_target=False,
        parameters=frozenset({"loads", "approved_plan"}),
        prepare=lambda context: None,
    )
    for name in ("plan", "deploy", "load", "check", "verify", "build")
]

if __name__ == "__main__":
    sys.exit(Runner("kit-runner", version="1", steps=STEPS).main())
