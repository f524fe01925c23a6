import ast
import inspect
import os
import statistics
import subprocess
import sys
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import pytest
import sqlmodel_framework

# The stable surface. A name that leaves this list breaks somebody's program.
PUBLIC = [
    "Allow",
    "Append",
    "ArrowSource",
    "BaseEngine",
    "BaseMixin",
    "BronzeTableMixin",
    "Check",
    "Coerce",
    "ConnectionTest",
    "CsvSource",
    "DatabaseSource",
    "Datakit",
    "DatakitError",
    "DeleteInsert",
    "Description",
    "DltSource",
    "History",
    "Indexed",
    "InsertOnly",
    "InvalidRowError",
    "JsonLinesSource",
    "Load",
    "Merge",
    "ParquetSource",
    "Partitions",
    "QuerySource",
    "Reference",
    "ReferenceTableMixin",
    "RefusedChangesError",
    "RenameColumn",
    "RenameTable",
    "Replace",
    "ReportContext",
    "RowSource",
    "Rows",
    "RunResult",
    "TableSource",
    "Target",
    "TemporalTableMixin",
    "TerminalError",
    "TransactionalTableMixin",
    "TransformedSource",
    "TransientError",
    "Unique",
    "Verification",
    "View",
    "Watermark",
    "__version__",
    "accepted_values",
    "adopt",
    "apply_plan",
    "array_of",
    "as_of",
    "changes_between",
    "column",
    "deploy_datakit",
    "describe",
    "fill",
    "find_drift",
    "fresh",
    "history_of",
    "json_type",
    "load_with_transform",
    "make_history",
    "make_rows",
    "not_null",
    "on_many",
    "plan_datakit",
    "read_description",
    "references",
    "resolve_targets",
    "rollback_datakit",
    "row_count",
    "run_datakit",
    "shared_pool",
    "sql_type",
    "table_checks",
    "test_connection",
    "unique",
    "verify_datakit",
]

# What a caller may name. Adding one is fine, so each list is a lower bound.
PARAMETERS = {
    "Check": ["name", "statement", "because"],
    "CsvSource": ["open", "name", "system"],
    "Datakit": ["name", "version", "description", "tables", "loads", "checks", "report"],
    "Load": ["table", "name", "layer", "source", "rules"],
    "Reference": ["column", "to", "on_missing", "because"],
    "Target": ["url", "name", "password", "password_env", "password_file", "connect_timeout", "lock_timeout"],
    "Unique": ["columns", "on_duplicate", "because"],
    "adopt": ["name", "target", "schemas", "folder", "engine", "dry_run"],
    "as_of": ["model", "instant"],
    "changes_between": ["model", "start", "end"],
    "deploy_datakit": ["datakit", "target", "engine"],
    "describe": ["datakit"],
    "fill": ["datakit", "target", "rows", "seed", "fixed", "mode", "on_event"],
    "history_of": ["model", "key"],
    "make_history": ["table", "keys", "changes", "seed", "parents", "fixed"],
    "make_rows": ["table", "count", "seed", "parents", "fixed"],
    "on_many": ["targets", "work", "on_outcome"],
    "read_description": ["path"],
    "resolve_targets": ["targets"],
    "run_datakit": ["datakit", "target", "folder", "on_event", "parts", "loads", "run_id", "approved_plan"],
    "shared_pool": ["target", "engine"],
    "sql_type": ["words", "like"],
    "verify_datakit": ["datakit", "target", "loads", "chunk_rows", "on_event", "engine"],
}

# Where existing users import from, whatever the inside looks like.
HOMES = {
    "sqlmodel_framework.base.models": [
        "BaseMixin",
        "BronzeTableMixin",
        "ReferenceTableMixin",
        "TemporalTableMixin",
        "TransactionalTableMixin",
    ],
    "sqlmodel_framework.engines": ["BaseEngine"],
    "sqlmodel_framework.utils.deployment": ["deploy_datakit"],
}

HEAVY = (
    "alembic",
    "psycopg2",
    "pandas",
    "pyarrow",
    "airflow",
    "typer",
    "rich",
    "pytest",
    "structlog",
    "sqlacodegen",
    "faker",
    "polyfactory",
)
DECLARING = "from sqlmodel_framework.base.models import BaseMixin, ReferenceTableMixin, BronzeTableMixin"


def test_the_public_names_are_the_committed_ones() -> None:
    assert sqlmodel_framework.__all__ == PUBLIC
    assert dir(sqlmodel_framework) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sqlmodel_framework, name) is not None


def test_no_other_name_is_made_up() -> None:
    with pytest.raises(AttributeError, match="'sqlmodel_framework' has no attribute 'Nonsense'"):
        _ = sqlmodel_framework.Nonsense


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_parameters_that_callers_write_are_there(name: str) -> None:
    there = inspect.signature(getattr(sqlmodel_framework, name)).parameters
    assert [parameter for parameter in PARAMETERS[name] if parameter not in there] == []


@pytest.mark.parametrize("module", HOMES)
def test_the_import_paths_of_existing_users_give_the_same_objects(module: str) -> None:
    for name in HOMES[module]:
        assert getattr(import_module(module), name) is getattr(sqlmodel_framework, name)


def test_type_checkers_see_every_public_name() -> None:
    assert files("sqlmodel_framework").joinpath("py.typed").is_file()
    tree = ast.parse(Path(sqlmodel_framework.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen | {"__version__"} == set(PUBLIC)


def run_python(script: str, cache: Path) -> str:
    # With bytecode, as on every start but the first.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONPYCACHEPREFIX": str(cache),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("statement", ["import sqlmodel_framework", DECLARING])
def test_importing_brings_no_driver_data_frame_or_command_line(statement: str, tmp_path: Path) -> None:
    script = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    assert run_python(script, tmp_path).split() == []


# In processor time, which a busy machine changes little. The peak of memory is the process's own:
# getrusage would start at that of the process it was forked from.
MEASURE = """
import re, time

def memory():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s*(\\d+)", status.read())[1])

before, started = memory(), time.process_time()
{statement}
print(time.process_time() - started, memory() - before)
"""


def cost(statements: list[str], cache: Path, times: int = 5) -> dict[str, tuple[float, float]]:
    """The medians of seconds and of kilobytes that each statement costs; the runs take turns."""
    for statement in statements:
        run_python(statement, cache)
    seen: dict[str, list[tuple[float, ...]]] = {statement: [] for statement in statements}
    for _ in range(times):
        for statement in statements:
            output = run_python(MEASURE.replace("{statement}", statement), cache)
            seen[statement].append(tuple(map(float, output.split())))
    return {
        statement: (statistics.median(s for s, _ in runs), statistics.median(m for _, m in runs))
        for statement, runs in seen.items()
    }


def test_importing_costs_at_most_one_and_a_half_times_sqlmodel(tmp_path: Path) -> None:
    costs = cost(["import sqlmodel", "import sqlmodel_framework", DECLARING], tmp_path)
    seconds, kilobytes = costs.pop("import sqlmodel")
    for statement, (its_seconds, its_kilobytes) in costs.items():
        assert its_seconds <= 1.5 * seconds, statement
        assert its_kilobytes <= 1.5 * kilobytes, statement
