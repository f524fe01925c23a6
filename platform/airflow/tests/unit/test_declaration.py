"""A DAG's file is read into types, and each mistake is told with its file and its field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.declaration import Declaration, read_declaration
from kit.described import SHOP, write

DIGEST = "sha256:" + "a" * 64
SMALLEST = "dag_id: shop\ndatakit: shop.json\ntarget: warehouse\n"


def declared(folder: Path, text: str, name: str = "shop.yaml") -> Declaration:
    write(SHOP, folder)
    path = folder / name
    path.write_text(text)
    return read_declaration(path)


def mistakes(folder: Path, text: str, name: str = "shop.yaml") -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        declared(folder, text, name)
    return [str(problem).removeprefix(f"{folder / name}: ") for problem in caught.value.problems]


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    found = declared(tmp_path, SMALLEST)

    assert found.schedule is None
    assert found.groups == "load"
    assert found.deploy == "plain"
    assert found.check
    assert found.retries == 2
    assert found.start_date == datetime(2024, 1, 1, tzinfo=UTC)


def test_the_description_is_found_from_the_file_s_folder(tmp_path: Path) -> None:
    assert declared(tmp_path, SMALLEST).datakit == tmp_path / "shop.json"


def test_toml_says_the_same_as_yaml(tmp_path: Path) -> None:
    toml = 'dag_id = "shop"\ndatakit = "shop.json"\ntarget = "warehouse"\n'

    assert declared(tmp_path, toml, "shop.toml") == declared(tmp_path, SMALLEST)


@pytest.mark.parametrize(
    ("text", "span"),
    [("30m", timedelta(minutes=30)), ("2h", timedelta(hours=2)), ("1d", timedelta(days=1))],
)
def test_a_schedule_can_be_a_span(tmp_path: Path, text: str, span: timedelta) -> None:
    assert declared(tmp_path, f"{SMALLEST}schedule: {text}\n").interval == span


def test_a_day_without_a_zone_is_one_in_utc(tmp_path: Path) -> None:
    found = declared(tmp_path, f"{SMALLEST}start_date: 2025-03-01\n")

    assert found.start_date == datetime(2025, 3, 1, tzinfo=UTC)


def test_its_digest_changes_with_what_is_declared(tmp_path: Path) -> None:
    one = declared(tmp_path, SMALLEST)
    other = declared(tmp_path, f"{SMALLEST}retries: 3\n")

    assert one.digest == declared(tmp_path, SMALLEST).digest != other.digest


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "schedul: 1h",
            "schedul: Extra inputs are not permitted (the fields of the file are: approval_timeout,",
        ),
        ("schedule: sometimes", "schedule: 'sometimes' is no schedule: write a cron expression"),
        ("schedule: 61 * * * *", "schedule: '61 * * * *' is no valid cron expression"),
        ("images: {sqlmodel: Shop Image}", "images.sqlmodel: 'Shop Image' is no reference of an image"),
        ("images: {sqlmodel: 'shop@sha256:12'}", "images.sqlmodel: 'shop@sha256:12' is no reference"),
        ("deploy: maybe", "deploy: Input should be 'gated', 'plain' or 'none'"),
        ("retries: -1", "retries: Input should be greater than or equal to 0"),
        ("pods: {load: huge}", "pods.load: Input should be 'default', 'io-heavy', 'compute-heavy', 'dbt' or"),
        ("upstream: silver.users", 'upstream is given, but the schedule is not "assets"'),
        ("approval_timeout: 1h", 'approval_timeout is given, but deploy is not "gated"'),
        ("dbt: {tables: totals}", "dbt.tables.0: String should match pattern"),
        ("dbt: {step: test, tables: gold.totals}", "dbt: tables are given, but the step test makes none"),
        (
            "parameters: {lode: {}}",
            "parameters.lode.[key]: Input should be 'deploy', 'plan', 'load', 'dbt', 'ch",
        ),
    ],
)
def test_a_mistake_names_its_field_and_what_to_write(tmp_path: Path, line: str, told: str) -> None:
    [found] = mistakes(tmp_path, f"{SMALLEST}{line}\n")

    assert found.startswith(told)


def test_every_mistake_of_a_file_is_told(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "dag_id: a b\nretries: many\n")

    assert [one.partition(":")[0] for one in found] == ["dag_id", "datakit", "target", "retries"]


def test_a_missing_description_says_where_it_was_looked_for(tmp_path: Path) -> None:
    [found] = mistakes(tmp_path, SMALLEST.replace("shop.json", "dist/shop.json"))

    assert found.startswith(f"datakit: there is no description of a datakit at {tmp_path}/dist/shop.json")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.yaml", "dag_id: [", "line 2: not valid YAML"),
        ("a.toml", "dag_id = ", "not valid TOML"),
        ("a.yaml", "- shop", "it holds no fields"),
        ("a.json", "{}", "its name ends in none of .yaml, .yml, .toml"),
    ],
)
def test_a_file_that_cannot_be_parsed_says_why(tmp_path: Path, name: str, text: str, told: str) -> None:
    [found] = mistakes(tmp_path, text, name)

    assert found.startswith(told)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it cannot be read: No such file"):
        read_declaration(tmp_path / "shop.yaml")
