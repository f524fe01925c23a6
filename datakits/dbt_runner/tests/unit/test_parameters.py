"""What is asked wrongly is said in one line, before anything is started."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from dbt_runner import __version__
from dbt_runner.__main__ import RUNNER
from dbt_runner.parameters import Parameters, read_parameters
from sqlmodel_framework.errors import TerminalError
from sqlmodel_framework.runs.spec import RunSpec


def asked(window: dict[str, str] | None = None, **parameters: Any) -> RunSpec:
    return RunSpec.model_validate(
        {"run_id": uuid4(), "datakit": "stall", "step": "run", "parameters": parameters, "window": window}
    )


def test_nothing_has_to_be_said() -> None:
    assert read_parameters(asked()) == Parameters(project="/dbt", threads=4)


def test_one_selector_or_several() -> None:
    assert read_parameters(asked(select="tag:daily")).select == ("tag:daily",)
    assert read_parameters(asked(exclude=["a+", "b"])).exclude == ("a+", "b")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("project", 1),
        ("project", " "),
        ("project", "/dbt\n"),
        ("select", 1),
        ("select", []),
        ("select", ["good", 1]),
        ("select", "--target-path=/elsewhere"),
        ("exclude", [" -x"]),
        ("exclude", {}),
        ("vars", "a: 1"),
        ("vars", []),
        ("full_refresh", "yes"),
        ("full_refresh", 1),
        ("threads", 0),
        ("threads", 65),
        ("threads", True),
        ("threads", 1.5),
        ("threads", "4"),
        ("schema", ""),
        ("schema", ["gold"]),
    ],
)
def test_a_wrong_value_is_named(name: str, value: Any) -> None:
    with pytest.raises(TerminalError) as caught:
        read_parameters(asked(**{name: value}))
    assert repr(name) in caught.value.message
    assert caught.value.exit_code == 64


def test_a_window_is_two_variables() -> None:
    window = {"start": "2024-01-01T00:00:00+01:00", "end": "2024-01-02T00:00:00Z"}
    given = read_parameters(asked(window, vars={"a": [1]}))
    assert given.vars == {
        "a": [1],
        "window_start": "2024-01-01T00:00:00+01:00",
        "window_end": "2024-01-02T00:00:00+00:00",
    }
    with pytest.raises(TerminalError, match="window_end"):
        read_parameters(asked(window, vars={"window_end": "x"}))


def test_only_what_fills_tables_can_be_told_to_begin_anew() -> None:
    takes = {name for name, step in RUNNER.steps.items() if "full_refresh" in step.parameters}
    assert takes == {"build", "run", "seed"}


def test_the_version_is_the_wheels() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert __version__ == RUNNER.version == project["project"]["version"]
