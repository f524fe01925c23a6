"""`datakit plan`: what a deployment would do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..base.discovery import find_datakit
from ..errors import TerminalError
from .each import on_each
from .output import say
from .place import FolderOption, JsonOption, TargetsOption
from .run import NameArgument

if TYPE_CHECKING:
    from ..schema.plan import Plan


class Form(StrEnum):
    """What a plan is written as."""

    text = "text"
    markdown = "markdown"
    sql = "sql"


def plan(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    form: Annotated[Form, typer.Option("--as", help="Text for a terminal, Markdown, or SQL.")] = Form.text,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the plan to a file that `deploy --plan` takes."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show what a deployment would change, cost and refuse. Nothing is changed."""
    from ..schema import plan_text
    from ..schema.planning import plan_datakit

    datakit = find_datakit(name)
    datakit.table_classes()
    write = {Form.text: plan_text.as_text, Form.markdown: plan_text.as_markdown, Form.sql: plan_text.as_sql}

    def show(found: Plan) -> None:
        say(write[form](found).rstrip("\n"))

    plans = on_each(
        target,
        folder,
        datakit.name,
        lambda each: plan_datakit(datakit, each),
        show,
        lambda found: {**found.content(), "hash": found.hash},
        json=json,
    )
    if save is not None:
        if len(plans) != 1:
            raise TerminalError(f"a file holds the plan of one target, not of {len(plans)}")
        plans[0].save(save)
