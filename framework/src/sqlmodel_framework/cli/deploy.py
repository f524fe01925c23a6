"""`datakit deploy`: create what is missing."""

from __future__ import annotations

from dataclasses import asdict

from ..base.discovery import find_datakit
from .output import print_json, say
from .place import FolderOption, JsonOption, TargetOption, named_target, open_place
from .run import NameArgument


def deploy(
    name: NameArgument,
    target: TargetOption = None,
    folder: FolderOption = None,
    json: JsonOption = False,
) -> None:
    """Create the schemas and tables of a datakit that its target lacks."""
    from ..schema.deploy import deploy_datakit

    chosen = named_target(target)
    datakit = find_datakit(name)
    datakit.table_classes()
    with open_place(chosen, folder, datakit.name) as place:
        deployment = deploy_datakit(datakit, place.target)
    if json:
        print_json(**asdict(deployment), changed=deployment.changed)
        return
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
    say(f"{datakit.name} {datakit.version} in {deployment.target}: {state} ({deployment.seconds:.2f} s)")
