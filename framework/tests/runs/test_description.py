"""A description is light to read, says in which order loads go, and refuses what it does not know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlmodel_framework.errors import DeclarationError, DescriptionError
from sqlmodel_framework.runs.description import (
    DescribedLoad,
    DescribedTable,
    Description,
    read_description,
)


def load(name: str, table: str, *reads: str, layer: str = "silver") -> DescribedLoad:
    return DescribedLoad(
        id=f"{layer}.{name}",
        name=name,
        layer=layer,
        table=table,
        reads=list(reads),
        source="somewhere",
        kind="query" if reads else "outside",
    )


def kit(*loads: DescribedLoad, tables: tuple[str, ...] = ("s.a", "s.b", "s.c")) -> Description:
    return Description(
        name="shop",
        version="1.0",
        fingerprint="0" * 64,
        tables=[DescribedTable(name=name) for name in tables],
        loads=list(loads),
    )


def test_reading_imports_neither_sqlalchemy_nor_a_driver() -> None:
    heavy = ("sqlalchemy", "sqlmodel", "psycopg2", "alembic", "yaml", "typer", "pydantic_settings")
    script = (
        "import sys, sqlmodel_framework.runs.description; "
        f"print(*(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_load_goes_after_every_load_of_what_it_reads() -> None:
    described = kit(
        load("c", "s.c", "s.a", "s.b"), load("b", "s.b", "s.a"), load("a", "s.a"), load("a2", "s.a")
    )
    assert described.upstream_of("silver.c") == ["silver.b", "silver.a", "silver.a2"]
    assert described.load_order() == ["silver.a", "silver.a2", "silver.b", "silver.c"]


def test_loads_of_one_table_go_in_declared_order() -> None:
    described = kit(load("first", "s.a"), load("second", "s.a"))
    assert described.upstream_of("silver.first") == []
    assert described.upstream_of("silver.second") == ["silver.first"]
    assert described.loads_of("s.a") == ["silver.first", "silver.second"]


def test_loads_that_wait_for_nothing_keep_the_declared_order() -> None:
    assert kit(load("z", "s.c"), load("m", "s.a"), load("a", "s.b")).load_order() == [
        "silver.z",
        "silver.m",
        "silver.a",
    ]


def test_a_circle_names_its_loads_and_no_others() -> None:
    described = kit(load("a", "s.a", "s.b"), load("b", "s.b", "s.a"), load("c", "s.c", "s.a"))
    with pytest.raises(DeclarationError) as caught:
        described.load_order()
    assert caught.value.message == (
        "datakit 'shop': loads wait for one another: silver.a waits for silver.b waits for silver.a"
    )


def test_tables_of_other_datakits_are_outside_reads() -> None:
    described = kit(load("a", "s.a", "other.z", "s.b"), load("b", "s.b", "other.y"))
    assert described.outside_reads == ["other.y", "other.z"]
    assert described.load_order() == ["silver.b", "silver.a"]


def test_a_load_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DescriptionError, match=r"has no load 'silver\.z'") as caught:
        kit(load("a", "s.a")).upstream_of("silver.z")
    assert caught.value.hint == "it has: silver.a"


@pytest.mark.parametrize(
    ("loads", "tables", "message"),
    [
        ([load("a", "s.a"), load("a", "s.b")], ("s.a", "s.b"), "two loads are called 'silver.a'"),
        ([load("a", "s.a")], ("s.a", "s.a"), "two tables are called 's.a'"),
        ([load("a", "s.z")], ("s.a",), "the load 'silver.a' fills 's.z', which is not among the tables"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    loads: list[DescribedLoad], tables: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        kit(*loads, tables=tables)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    described = kit(load("a", "s.a"), load("b", "s.b", "s.a"))
    file = tmp_path / "shop.json"
    file.write_text(described.text(), encoding="utf-8")
    assert read_description(file) == described


def content(**changes: Any) -> dict[str, Any]:
    return kit(load("a", "s.a")).model_dump(mode="json") | changes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1: not valid JSON"),
        ("[]", "is no description of a datakit"),
        ('{"name": "shop"}', "is no description of a datakit"),
        (json.dumps(content(format=2)), "is of format 2; this version reads format 1"),
        (json.dumps(content(format=True)), "is of format True; this version reads format 1"),
        (json.dumps(content(nmae="x")), "nmae: Extra inputs are not permitted"),
        (json.dumps(content(fingerprint="x")), "fingerprint: String should match pattern"),
        ("[" * 100_000, "values are nested too deeply"),
        ("\udcff", "it is not UTF-8"),
    ],
)
def test_a_file_that_is_none_says_what_is_wrong_and_what_to_do(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "shop.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DescriptionError) as caught:
        read_description(file)
    assert message in caught.value.message
    assert str(file) in caught.value.message
    assert "datakit describe" in str(caught.value.hint) or "write it again" in str(caught.value.hint)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"shop\.json: there is no such file") as caught:
        read_description(tmp_path / "shop.json")
    assert caught.value.hint == "write it: datakit describe NAME --output FILE"
    with pytest.raises(DescriptionError, match="cannot be read: Is a directory"):
        read_description(tmp_path)
