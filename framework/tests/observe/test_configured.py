"""Where nobody listens, nothing is imported; where a package is missing, that is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlmodel_framework import Target

if TYPE_CHECKING:
    from conftest import Shop

RUN = """
import sys
from sqlmodel_framework import run_datakit
run_datakit("shop_datakit", sys.argv[1])
heavy = ("openlineage", "opentelemetry", "requests", "attr")
print(*(name for name in sys.modules if name in heavy or name.startswith("sqlmodel_framework.observe.o")))
"""
MISSING = """
import sys
sys.modules["openlineage"] = None
from sqlmodel_framework.observe.configured import configured_listeners
print(configured_listeners())
"""


def test_off_costs_nothing(shop: Shop, database: Target) -> None:
    url = database.secret_url().render_as_string(hide_password=False)
    done = shop.run(url, script=RUN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_a_package_that_is_missing_is_a_warning(shop: Shop) -> None:
    done = shop.run(script=MISSING, OPENLINEAGE_URL="http://127.0.0.1:9")
    assert (done.returncode, done.stdout) == (0, "[]\n")
    assert "pip install 'sqlmodel-framework[openlineage]'" in done.stderr
