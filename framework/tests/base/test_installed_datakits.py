import sys
from pathlib import Path

import pytest
from sqlmodel_framework import DatakitError, Target, deploy_datakit
from sqlmodel_framework.base.discovery import find_datakit, installed_datakits
from sqlmodel_framework.base.tables import table_of

MODELS = """
from sqlmodel import Field, SQLModel
from sqlmodel_framework import ReferenceTableMixin

class {name}(ReferenceTableMixin, table=True):
    __table_args__ = {{"schema": "{schema}"}}
    code: str = Field(primary_key=True)

class NoTable(SQLModel):
    code: str
"""

KIT = """
from sqlmodel_framework import Datakit
from . import models
datakit = Datakit(name="{name}", version="1", tables=(models,))
"""


class Installed:
    """Distributions as pip leaves them: a package, and a dist-info folder beside it."""

    def __init__(self, site: Path) -> None:
        self.site = site

    def add(self, name: str, package: str, **modules: str) -> None:
        folder = self.site / package
        folder.mkdir()
        for module, content in modules.items():
            (folder / f"{module}.py").write_text(content)
        info = self.site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[sqlmodel_framework.datakits]\n{name} = {package}:datakit\n")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installed:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Installed(tmp_path)


def add_kit(installed: Installed, name: str) -> None:
    installed.add(
        name,
        f"{name}_datakit",
        __init__=KIT.format(name=name),
        models=MODELS.format(name=f"{name.title()}Port", schema=f"inst_{name}"),
    )


def test_two_installed_datakits_whose_modules_have_one_name_do_not_meet(installed: Installed) -> None:
    add_kit(installed, "north")
    add_kit(installed, "south")
    path = list(sys.path)
    assert {"north", "south"} <= set(installed_datakits())
    names = {
        kit: [table_of(c).fullname for c in find_datakit(kit).table_classes()] for kit in ("north", "south")
    }
    assert names == {"north": ["inst_north.north_port"], "south": ["inst_south.south_port"]}
    assert sys.path == path
    assert "models" not in sys.modules


def test_only_its_own_tables_are_deployed(installed: Installed, database: Target) -> None:
    add_kit(installed, "east")
    add_kit(installed, "west")
    find_datakit("west").table_classes()
    deployment = deploy_datakit("east", database)
    assert deployment.created_tables == ("inst_east.east_port",)
    assert deployment.created_schemas == ("inst_east",)


def test_no_such_datakit_names_the_installed_ones(installed: Installed) -> None:
    add_kit(installed, "harbours")
    with pytest.raises(DatakitError, match="there is no datakit 'harbors'") as caught:
        find_datakit("harbors")
    assert "did you mean 'harbours'?" in (caught.value.hint or "")
    assert caught.value.exit_code == 64


def test_a_datakit_without_tables_is_an_error_and_nothing_is_deployed(
    installed: Installed, database: Target
) -> None:
    installed.add("bare", "bare_datakit", __init__=KIT.format(name="bare"), models="x = 1")
    with pytest.raises(DatakitError, match="datakit 'bare' has no tables") as caught:
        deploy_datakit("bare", database)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize(
    ("kit", "models", "reason"),
    [
        ("lacking", "x = 1\nimport nobody_has_it", "models, line 2: ModuleNotFoundError: No module named"),
        ("garbled", "x = 1\ndef broken(:", "models.py, line 2: SyntaxError"),
        ("failing", "raise RuntimeError('on purpose')", "models, line 1: RuntimeError: on purpose"),
    ],
)  # fmt: skip
def test_a_datakit_that_cannot_be_imported_is_named_with_the_reason(
    installed: Installed, kit: str, models: str, reason: str
) -> None:
    installed.add(kit, f"{kit}_datakit", __init__=KIT.format(name=kit), models=models)
    for name in (kit, f"{kit}_datakit"):
        with pytest.raises(DatakitError) as caught:
            find_datakit(name)
        assert caught.value.message.startswith(f"datakit '{name}' cannot be imported: ")
        # The module that is broken, not only the one that was asked for.
        assert f"{kit}_datakit" in caught.value.message
        assert reason in caught.value.message
        assert "\n" not in caught.value.message


def test_an_entry_point_to_something_else_is_told_from_a_datakit(installed: Installed) -> None:
    installed.add("odd", "odd_datakit", __init__="datakit = 5")
    with pytest.raises(DatakitError, match="'odd' is no datakit: odd_datakit:datakit is a int"):
        find_datakit("odd")


def test_a_modules_own_exit_is_not_the_end_of_the_program(installed: Installed) -> None:
    installed.add("leaving", "leaving_datakit", __init__="import sys\nsys.exit(0)")
    with pytest.raises(DatakitError, match="'leaving' cannot be imported"):
        find_datakit("leaving")


def test_a_mixin_that_does_not_fit_is_told_with_its_names(installed: Installed) -> None:
    models = (
        "from sqlmodel import Field\nfrom sqlmodel_framework import BaseMixin\n"
        "class A(BaseMixin):\n    x: int\nclass B(BaseMixin):\n    x: str\n"
        "class C(A, B, table=True):\n    id: int = Field(primary_key=True)\n"
    )
    installed.add("unfit", "unfit_datakit", __init__=KIT.format(name="unfit"), models=models)
    with pytest.raises(DatakitError, match=r"unfit_datakit\.models\.A and unfit_datakit\.models\.B both"):
        find_datakit("unfit")


def test_neither_tests_nor_environments_inside_of_a_package_are_imported(installed: Installed) -> None:
    add_kit(installed, "tested")
    for folder in ("tests", "test", ".venv", "venv/lib"):
        place = installed.site / "tested_datakit" / folder
        place.mkdir(parents=True)
        for name in ("__init__", "test_models", "models", "conftest"):
            (place / f"{name}.py").write_text("raise RuntimeError('imported')")
    (installed.site / "tested_datakit" / "test_more.py").write_text("raise RuntimeError('imported')")
    kit = find_datakit("tested")
    assert [table_of(c).fullname for c in kit.table_classes()] == ["inst_tested.tested_port"]
    inside = {name for name in sys.modules if name.startswith("tested_datakit")}
    assert inside == {"tested_datakit", "tested_datakit.models"}


def test_a_broken_datakit_takes_none_of_the_others_with_it(installed: Installed) -> None:
    add_kit(installed, "sound")
    installed.add("sick", "sick_datakit", __init__="raise RuntimeError('sick')")
    assert {"sound", "sick"} <= set(installed_datakits())
    with pytest.raises(DatakitError, match="'sick' cannot be imported: sick_datakit, line 1: RuntimeError"):
        find_datakit("sick")
    assert find_datakit("sound").name == "sound"


def test_tables_that_a_module_imports_from_another_datakit_are_not_its_own(installed: Installed) -> None:
    add_kit(installed, "lender")
    models = MODELS.format(name="BorrowerPort", schema="inst_borrower")
    models += "\nfrom lender_datakit.models import LenderPort, NoTable\n"
    installed.add("borrower", "borrower_datakit", __init__=KIT.format(name="borrower"), models=models)
    kit = find_datakit("borrower")
    assert [table_of(c).fullname for c in kit.table_classes()] == ["inst_borrower.borrower_port"]


def test_two_datakits_with_one_table_are_told_whose_it_is(installed: Installed) -> None:
    models = MODELS.format(name="SharedPort", schema="inst_shared")
    for name in ("early", "late"):
        installed.add(name, f"{name}_datakit", __init__=KIT.format(name=name), models=models)
    find_datakit("early")
    with pytest.raises(DatakitError) as caught:
        find_datakit("late")
    assert "late_datakit.models.SharedPort declares the table inst_shared.shared_port" in caught.value.message
    assert "early_datakit.models.SharedPort" in caught.value.message
    assert "registry" in (caught.value.hint or "")
