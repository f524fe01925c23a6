"""What README.md says of mixins and fields is run, as it stands there."""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlmodel import Session
from sqlmodel_framework import Datakit, Target
from sqlmodel_framework.base.partitions import INFO


def readme() -> str:
    """That of the package that is tested: installed, or in its folder."""
    try:
        return str(metadata("sqlmodel-framework").get_payload())  # type: ignore[attr-defined]
    except PackageNotFoundError:
        return (Path(__file__).parents[2] / "README.md").read_text()


def section(title: str) -> str:
    _, _, rest = readme().partition(f"\n## {title}\n")
    assert rest, title
    return rest.partition("\n## ")[0]


def code(part: str) -> str:
    return "\n".join(line[4:] for line in part.splitlines() if line.startswith("    ") or not line)


@pytest.fixture(scope="module")
def sales() -> ModuleType:
    module = ModuleType("readme_sales")
    sys.modules[module.__name__] = module
    exec(compile(code(section("Mixins and fields")), "README.md", "exec"), vars(module))
    return module


def test_the_snippets_run_and_print_what_they_say(
    sales: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(sales.InvalidRowError) as caught:
        sales.order.price = -1_000_000_000_000
    said = re.search(r"^prints `(.*)`\.$", section("Mixins and fields"), re.MULTILINE)
    assert said is not None
    assert said[1] == str(caught.value)


def test_the_tables_of_the_snippets_are_real(sales: Any, database: Target) -> None:
    kit: Datakit = sales.datakit
    tables = kit.metadata()
    engine = create_engine(database.secret_url(), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE SCHEMA sales"))
        tables.create_all(connection)
        for name, bounds in tables.tables["sales.order"].info[INFO].items():
            connection.execute(text(f'CREATE TABLE {name} PARTITION OF sales."order" {bounds}'))
        connection.execute(text(f"CREATE VIEW {sales.daily.full_name} AS {sales.daily.sql(engine.dialect)}"))
    with Session(engine) as session:
        session.add(sales.Order(day="2025-03-01", price="9.90", quantity=2, tags=["a"]))
        session.commit()
        assert session.execute(text("SELECT total FROM sales.daily")).scalar_one() == sales.Decimal("19.80")
    engine.dispose()
