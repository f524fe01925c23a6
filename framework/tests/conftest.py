"""Real databases, and a small datakit, for every test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import create_engine, text
from sqlmodel_framework import Target
from sqlmodel_framework.testing.plugin import datakit_server as datakit_server
from sqlmodel_framework.testing.plugin import datakit_target as datakit_target
from sqlmodel_framework.testing.plugin import fresh_database

# A busy machine makes an example slow, not wrong.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

SHOP = '''
"""A shop: items as they come, items as they should be."""

import os
import sys

from sqlalchemy import Text, func, select
from sqlmodel import Field
from sqlmodel_framework import (
    BronzeTableMixin, Check, CsvSource, Datakit, Load, ReferenceTableMixin, TableSource,
)


class RawItem(BronzeTableMixin, table=True):
    __table_args__ = {"schema": "shop_bronze"}
    code: str | None = Field(default=None, sa_type=Text)
    price: str | None = Field(default=None, sa_type=Text)


class Item(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "shop"}
    code: str = Field(primary_key=True, max_length=5)
    price: float = Field(ge=0)


def open_items():
    return open(os.environ["SHOP_CSV"], "rb")


datakit = Datakit(
    name="shop",
    version="1.0",
    tables=(RawItem, Item),
    loads=(
        Load(table=RawItem, name="items", layer="bronze",
             source=CsvSource(open=open_items, name="items.csv", system="till")),
        Load(table=Item, name="items", layer="silver", source=TableSource(RawItem, null_values=("",))),
    ),
    checks=(
        Check(name="prices", statement=select(func.count()).select_from(Item).where(Item.price > 1000),
              because="nothing costs that much"),
    ),
)
'''


@pytest.fixture
def database(datakit_server: Target) -> Iterator[Target]:
    """A new, empty database for one test."""
    with fresh_database(datakit_server) as target:
        yield target


Ask = Callable[..., list[tuple[object, ...]]]


@pytest.fixture
def ask() -> Ask:
    """Run SQL in a target, past the framework, and return the rows."""

    def run(target: Target, sql: str, **values: object) -> list[tuple[object, ...]]:
        engine = create_engine(target.secret_url())
        try:
            with engine.begin() as connection:
                result = connection.execute(text(sql), values)
                return [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()

    return run


@dataclass
class Shop:
    """The shop's module, its file of items, and ways to run `datakit` and Python on them."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def csv(self) -> Path:
        return self.folder / "items.csv"

    def write(self, content: str | bytes) -> None:
        self.csv.write_bytes(content if isinstance(content, bytes) else content.encode())

    def start(self, *arguments: str, script: str | None = None, **more: str) -> subprocess.Popen[str]:
        """Start `datakit`, or a Python script, in a process of its own."""
        command = ["-m", "sqlmodel_framework.cli"] if script is None else ["-c", script]
        return subprocess.Popen(
            [sys.executable, *command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.environment, **more},
        )

    def run(
        self, *arguments: str, script: str | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `datakit`, or a Python script, to its end."""
        process = self.start(*arguments, script=script, **more)
        out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The shop in a folder of its own, with three good items."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop_datakit.py").write_text(SHOP)
    keep = ("PATH", "TMPDIR", "TEST_TMPDIR", "LD_LIBRARY_PATH")
    environment = {name: os.environ[name] for name in keep if name in os.environ}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(tmp_path / "home"),
        "SHOP_CSV": str(folder / "items.csv"),
    }
    made = Shop(folder, environment)
    made.write("code,price\ntea,2.5\nmilk,1\nsalt,0.4\n")
    return made


ENGINES = {
    "postgres": "PostgreSQL 18",
    "postgres15": "PostgreSQL 15",
    "mariadb": "MariaDB 10.11",
    "sqlite": "SQLite",
    "sqlserver": "SQL Server",
}
"""The columns of the table of engines, `framework/engines.md`, by what the suites call a database."""


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark of a suite that every engine passes, and compare what it did with the committed table."""
    config.addinivalue_line("markers", "capability(name, how='ran'): a row of the table of engines")
    if "ENGINES_TABLE" in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(EnginesTable(Path(os.environ["ENGINES_TABLE"])))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Write beside a test of what it is a proof, and for which engine."""
    mark = item.get_closest_marker("capability")
    if mark is not None:
        kind = mark.kwargs.get("engine") or item.callspec.params["place"]  # type: ignore[attr-defined]
        item.user_properties.append(("cell", (mark.args[0], ENGINES[kind])))
        item.user_properties.append(("how", mark.kwargs.get("how", "ran")))


@pytest.fixture
def not_offered(request: pytest.FixtureRequest) -> Callable[[], None]:
    """Say that what a test is about is not offered by its engine, which refused it clearly."""
    return lambda: request.node.user_properties.append(("how", "not offered"))


class EnginesTable:
    """Compares what the engines of this session did with what is written down of them.

    `ENGINES` names the columns that this session is about, so that an engine that was forgotten is noticed.
    """

    def __init__(self, file: Path) -> None:
        self.written = _read_table(file)
        self.columns = os.environ["ENGINES"].split(", ")
        self.found: dict[tuple[str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the weakest of what the tests of a cell did."""
        properties: dict[str, Any] = dict(report.user_properties)
        if report.when == "call" and "cell" in properties:
            capability, engine = properties["cell"]
            strength = ["not offered", "compiled", "ran"]
            how = str(properties["how"]) if report.passed else "failed"
            before = self.found.get((capability, engine), "ran")
            weakest = min(before, how, key=lambda each: strength.index(each) if each in strength else -1)
            self.found[capability, engine] = weakest

    def differences(self) -> list[str]:
        """Where the table says something else, one line each; nothing of a session of chosen tests."""
        if "TESTBRIDGE_TEST_ONLY" in os.environ:
            return []
        suites = {capability.split(":")[0] for capability, _ in self.found}
        expected = {
            cell: how
            for cell, how in self.written.items()
            if cell[0].split(":")[0] in suites and cell[1] in self.columns and how != "not shown"
        }
        return [
            f"{capability}, {engine}: {self.found.get((capability, engine), 'missing')}, "
            f"framework/engines.md says {expected.get((capability, engine), 'nothing')}"
            for capability, engine in sorted({*self.found, *expected})
            if self.found.get((capability, engine)) != expected.get((capability, engine))
        ]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the cells."""
        for (capability, engine), how in sorted(self.found.items()):
            terminalreporter.write_line(f"{engine} | {capability} | {how}")
        for line in self.differences():
            terminalreporter.write_line(f"NOT AS WRITTEN: {line}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a session that did something else than is written."""
        if session.exitstatus == pytest.ExitCode.OK and (self.differences() or not self.found):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _read_table(file: Path) -> dict[tuple[str, str], str]:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {(row[0], engine): how for row in rows for engine, how in zip(head[1:], row[1:], strict=True)}
