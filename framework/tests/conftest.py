"""Real databases, and a small datakit, for every test."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

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
