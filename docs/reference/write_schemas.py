"""`bazel run //docs/reference:write`: the JSON Schemas of the run contract and of a datakit's description."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from sqlmodel_framework.runs.description import description_schema
from sqlmodel_framework.runs.report import report_schema
from sqlmodel_framework.runs.spec import spec_schema

SCHEMAS = {
    "datakit-description.schema.json": description_schema,
    "run-report.schema.json": report_schema,
    "run-spec.schema.json": spec_schema,
}


def schema_texts() -> dict[str, str]:
    """The text of each schema by the name of its file."""
    return {name: json.dumps(make(), indent=2, sort_keys=True) + "\n" for name, make in SCHEMAS.items()}


if __name__ == "__main__":
    folder = Path(os.environ["BUILD_WORKSPACE_DIRECTORY"], "docs", "reference")
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"wrote {folder / name}\n")
