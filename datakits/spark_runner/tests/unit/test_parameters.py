"""Parameters are read, and what is wrong with them is told by name."""

from __future__ import annotations

from typing import Any

import pytest
from spark_runner.parameters import ExtractParameters, JobParameters, names, read
from sqlmodel_framework.errors import TerminalError


def test_nothing_is_needed_for_an_extraction() -> None:
    parameters = read(ExtractParameters, {"tables": {"a.b": "c"}})
    assert (parameters.partitions, parameters.fetch_size, parameters.start_timeout) == (4, 10_000, 120.0)
    assert parameters.partition_column_of("c") is None


def test_a_partition_column_is_for_all_tables_or_for_each() -> None:
    assert read(ExtractParameters, {"partition_column": "id"}).partition_column_of("c") == "id"
    each = read(ExtractParameters, {"partition_column": {"c": "number"}})
    assert (each.partition_column_of("c"), each.partition_column_of("d")) == ("number", None)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"partitions": 0}, "partitions"),
        ({"partitions": "4"}, "partitions"),
        ({"partitions": True}, "partitions"),
        ({"fetch_size": 0}, "fetch_size"),
        ({"partition_column": ""}, "partition_column"),
        ({"partition_column": 3}, "partition_column"),
        ({"master": ""}, "master"),
        ({"conf": "spark.ui.enabled"}, "conf"),
        ({"conf": {"spark.a": ["x"]}}, "conf"),
        ({"start_timeout": 0}, "start_timeout"),
        ({"start_timeout": float("inf")}, "start_timeout"),
    ],
)
def test_a_wrong_parameter_is_named(given: dict[str, Any], name: str) -> None:
    with pytest.raises(TerminalError, match=f"the parameter '{name}'"):
        read(ExtractParameters, given)


@pytest.mark.parametrize("job", ["module", "module:", ":function", "a b:c", "m:f.g", "../m:f", 3, None])
def test_a_job_is_a_function_of_a_module(job: object) -> None:
    with pytest.raises(TerminalError, match="the parameter 'job'"):
        read(JobParameters, {"job": job})  # type: ignore[dict-item]


def test_a_missing_job_is_told() -> None:
    with pytest.raises(TerminalError, match="the parameter 'job' is missing"):
        read(JobParameters, {})


def test_a_wrong_value_is_not_repeated() -> None:
    with pytest.raises(TerminalError) as caught:
        read(ExtractParameters, {"conf": {"spark.hadoop.fs.s3a.secret.key": ["hush"]}})
    assert "hush" not in str(caught.value)


def test_the_names_are_those_of_the_models() -> None:
    assert names(JobParameters) == {"master", "conf", "start_timeout", "job", "arguments"}
