"""`datakit deploy`: create what is missing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from ..base.discovery import find_datakit
from .output import error_fields, print_json, say
from .place import FolderOption, JsonOption, TargetsOption, named_targets, open_places
from .run import NameArgument

if TYPE_CHECKING:
    from ..base.datakit import Datakit
    from ..schema.deployment import Deployment
    from ..targets.many import Outcome


def deploy(
    name: NameArgument,
    target: TargetsOption = None,
    folder: FolderOption = None,
    json: JsonOption = False,
) -> None:
    """Create the schemas and tables of a datakit that its targets lack.

    Several targets are deployed to at the same time, each for itself.
    """
    from ..schema.deploy import deploy_datakit
    from ..targets.many import failure_of, on_many

    chosen = named_targets(target)
    datakit = find_datakit(name)
    datakit.table_classes()

    def tell(outcome: Outcome[Deployment]) -> None:
        if json:
            _print_json(datakit, outcome)
        elif outcome.value is not None:
            _say(outcome.value)
        elif len(targets) > 1 and outcome.error is not None:
            hint = f" ({outcome.error.hint})" if outcome.error.hint else ""
            say(f"{outcome.target}: failed: {outcome.error.message}{hint}")

    with open_places(chosen, folder, datakit.name) as targets:
        outcomes = on_many(targets, lambda each: deploy_datakit(datakit, each), on_outcome=tell)
    failure = failure_of(outcomes)
    if failure is not None:
        raise failure


def _print_json(datakit: Datakit, outcome: Outcome[Deployment]) -> None:
    if outcome.value is not None:
        print_json(**asdict(outcome.value), changed=outcome.value.changed)
    else:
        print_json(datakit=datakit.name, target=outcome.target, **error_fields(outcome.error))


def _say(deployment: Deployment) -> None:
    for schema in deployment.created_schemas:
        say(f"created schema {schema}")
    for table in deployment.created_tables:
        say(f"created table {table}")
    there = len(deployment.existing_tables)
    made = len(deployment.created_tables)
    state = (
        f"{made} tables created, {there} were there"
        if deployment.changed
        else f"nothing to do: {there} tables are there"
    )
    say(
        f"{deployment.datakit} {deployment.version} in {deployment.target}: {state} "
        f"({deployment.seconds:.2f} s)"
    )
