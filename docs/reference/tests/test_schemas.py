"""The published schemas are those of the code, and they accept what the code accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlmodel_framework.runs.description import DescribedLoad, DescribedTable, Description
from write_schemas import schema_texts

FOLDER = Path(__file__).parents[1]
SPEC = {"run_id": "6f1c4a52-2f0b-4a53-9d3a-0a7e4ef3a0c1", "datakit": "flights", "step": "run"}


@pytest.mark.parametrize("name", schema_texts())
def test_the_file_is_what_the_code_says(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == schema_texts()[name], (
        "./bazelw run //docs/reference:write"
    )


def test_a_specification_is_valid_or_not_as_the_code_says() -> None:
    schema = json.loads((FOLDER / "run-spec.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(SPEC, schema)
    for wrong in ({"run_id": 5}, {"stepp": "x"}, {"image_digest": "latest"}, {"target": {"host": "x"}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(SPEC | wrong, schema)


def test_a_description_is_valid_or_not_as_the_code_says() -> None:
    schema = json.loads((FOLDER / "datakit-description.schema.json").read_text(encoding="utf-8"))
    table = DescribedTable(name="shop.item", key=["code"])
    load = DescribedLoad(
        id="silver.items", name="items", layer="silver", table="shop.item", source="till", kind="outside"
    )
    described = Description(name="shop", version="1", fingerprint="0" * 64, tables=[table], loads=[load])
    content = json.loads(described.text())
    jsonschema.validate(content, schema)
    mistakes: list[dict[str, Any]] = [
        {"format": 2},
        {"loads": [{"id": "a.b"}]},
        {"tabels": []},
        {"fingerprint": "x"},
    ]
    for wrong in mistakes:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(content | wrong, schema)
