"""A folder of files, one DAG each: warehouses or tenants that share code, images and a base file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from .configuration import SUFFIXES, ConfigurationError, Problem, read_document
from .dag import DatakitDag, Plan, chosen_environment, plan_dag
from .declaration import parse_declaration
from .environment import ENVIRONMENT_FILE, Environment

__all__ = ["BASE", "plan_warehouse", "plan_warehouses", "warehouses"]

BASE = "_base"
"""The name, without its ending, of the file that all others of a folder build on."""


def warehouses(
    folder: Path | str, *, environment: Environment | Path | str | None = None, **arguments: Any
) -> dict[str, DAG]:
    """A DAG for each file of a folder, by its id; Airflow finds them by itself.

    Args:
        folder: the folder; `_base.yaml` in it holds what its files have in common.
        environment: how steps are carried out, or the file that says it; by default as found.
        arguments: more arguments for every DAG, such as callbacks.

    Raises:
        ConfigurationError: a file does not fit; every mistake of every file is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    plans = plan_warehouses(Path(folder), environment=environment)
    return {plan.declaration.dag_id: DatakitDag(plan, **arguments) for plan in plans}


def plan_warehouses(folder: Path, *, environment: Environment | Path | str | None = None) -> list[Plan]:
    """Read and check every file of a folder, without making DAGs.

    Raises:
        ConfigurationError: a file does not fit; every mistake of every file is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    problems: list[Problem] = []
    plans: list[Plan] = []
    base: Mapping[str, Any] = {}
    files = _files(folder)
    chosen = chosen_environment(environment, folder)
    for path in [path for path in files if path.stem == BASE]:
        try:
            base = read_document(path)
        except ConfigurationError as error:
            problems += error.problems
    for path in [path for path in files if not path.name.startswith("_")]:
        try:
            declaration = parse_declaration(_merged(base, read_document(path)), path)
            plans.append(plan_dag(declaration, environment=chosen, place=str(path)))
        except ConfigurationError as error:
            problems += error.problems
    problems += _repeated(plans)
    if problems:
        raise ConfigurationError(dict.fromkeys(problems))
    return plans


def plan_warehouse(path: Path, *, environment: Environment | Path | str | None = None) -> Plan:
    """Read and check one file of a folder, on top of the folder's base.

    Raises:
        ConfigurationError: it does not fit; every mistake is a problem.
        UnsupportedVersionError: Airflow is too old.
    """
    bases = [found for found in sorted(path.parent.glob(f"{BASE}.*")) if found.suffix in SUFFIXES]
    base: Mapping[str, Any] = read_document(bases[0]) if bases else {}
    declaration = parse_declaration(_merged(base, read_document(path)), path)
    chosen = chosen_environment(environment, path.parent)
    return plan_dag(declaration, environment=chosen, place=str(path))


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ConfigurationError([Problem(str(folder), "", "it is no folder")])
    files = sorted(
        path for path in folder.iterdir() if path.suffix in SUFFIXES and path.name != ENVIRONMENT_FILE
    )
    bases = [path.name for path in files if path.stem == BASE]
    if len(bases) > 1:
        raise ConfigurationError(
            [Problem(str(folder), "", f"there are several base files: {', '.join(bases)}", "keep one")]
        )
    if len(files) == len(bases):
        raise ConfigurationError(
            [
                Problem(
                    str(folder),
                    "",
                    "there is no file of a DAG in it",
                    f"add one whose name ends in {', '.join(SUFFIXES)}",
                )
            ]
        )
    return files


def _merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What a file says, on top of the base; fields with fields of their own are merged, all else replaced."""
    merged = dict(base)
    for name, value in own.items():
        before = merged.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            value = _merged(before, value)
        merged[name] = value
    return merged


def _repeated(plans: list[Plan]) -> list[Problem]:
    seen: set[str] = set()
    problems = []
    for plan in plans:
        dag_id = plan.declaration.dag_id
        if dag_id in seen:
            problems.append(
                Problem(plan.place, "dag_id", f"another file has {dag_id!r} as well", "name it otherwise")
            )
        seen.add(dag_id)
    return problems
