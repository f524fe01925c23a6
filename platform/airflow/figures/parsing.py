"""How long Airflow takes to parse the DAGs of many datakits."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from figure import Figure
from sqlmodel_framework.runs.description import DescribedLoad, DescribedTable, Description

__all__ = ["parsing", "seconds_to_parse", "write_datakits"]

FEW, MANY = 100, 1_000
TABLES = 5
TIMES = 3

_PROGRAM = Path(__file__).with_name("parse.py")
_DIGEST = "0" * 64
_DAG_FILE = """\
from airflow.sdk import DAG
from datakit_airflow import warehouses

globals().update(warehouses({folder!r}))
"""


def parsing() -> Iterator[Figure]:
    """The seconds for a hundred datakits of five tables each, and how many times that a thousand take."""
    few, many = _seconds(FEW), _seconds(MANY)
    yield Figure("parse_100", round(few, 2), "s", 2, note="100 datakits of five tables each")
    yield Figure("parse_growth", round(many / few, 1), "", 12, note=f"1,000 of them: {many:.1f} s")


def write_datakits(folder: Path, number: int) -> None:
    """Write the descriptions and declarations of so many datakits, and the DAG file that reads them.

    Args:
        folder: an empty one.
        number: of datakits.
    """
    declarations = folder / "warehouses"
    declarations.mkdir()
    (declarations / "datakit_airflow.toml").write_text('execution = "docker"\nproduction = true\n')
    (declarations / "_base.yaml").write_text(
        "schedule: '@daily'\n"
        "target: warehouse\n"
        f"images:\n  sqlmodel: registry.example/sqlmodel@sha256:{_DIGEST}\n"
    )
    for each in range(number):
        name = f"kit{each:04}"
        described = declarations / f"{name}.json"
        described.write_text(_described(name).model_dump_json())
        (declarations / f"{name}.yaml").write_text(f"dag_id: {name}\ndatakit: {described.name}\n")
    (folder / "dags.py").write_text(_DAG_FILE.format(folder=str(declarations)))


def _described(name: str) -> Description:
    """Each table refers to the one before it."""
    tables = [f"{name}.table{number}" for number in range(TABLES)]
    return Description(
        name=name,
        version="1.0",
        fingerprint=_DIGEST,
        tables=[
            DescribedTable(name=table, key=["id"], references=tables[max(number - 1, 0) : number])
            for number, table in enumerate(tables)
        ],
        loads=[
            DescribedLoad(
                id=f"silver.table{number}",
                name=f"table{number}",
                layer="silver",
                table=table,
                reads=tables[max(number - 1, 0) : number],
                source="files",
                kind="outside",
            )
            for number, table in enumerate(tables)
        ],
        checks=["whole"],
    )


def _seconds(number: int) -> float:
    """The shortest of a few times, each in a process of its own."""
    with TemporaryDirectory(prefix="parsing-") as name:
        folder = Path(name)
        write_datakits(folder, number)
        return min(seconds_to_parse(folder, number) for _ in range(TIMES))


def seconds_to_parse(folder: Path, number: int) -> float:
    """How long Airflow takes to parse a folder, in a process of its own.

    Args:
        folder: with a DAG file.
        number: of DAGs that have to be found.

    Raises:
        RuntimeError: other DAGs are found, or a file cannot be parsed.
    """
    with TemporaryDirectory(prefix="airflow-") as home:
        settings = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # The limit for a file that takes longer is not what is measured.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "0",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        ended = subprocess.run(
            [sys.executable, str(_PROGRAM), str(folder)],
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
    if ended.returncode != 0:
        raise RuntimeError(f"the DAGs were not parsed:\n{ended.stderr}")
    took, found = ended.stdout.splitlines()[-1].split()
    if int(found) != number:
        raise RuntimeError(f"{number} DAGs were written, and {found} were parsed")
    return float(took)
