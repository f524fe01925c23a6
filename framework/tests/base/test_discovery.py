import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from sqlmodel_framework import Datakit, DatakitError
from sqlmodel_framework.base import discovery
from sqlmodel_framework.base.discovery import datakit_in, find_datakit


def install(monkeypatch: pytest.MonkeyPatch, **points: str) -> None:
    made = [EntryPoint(name, value, discovery.GROUP) for name, value in points.items()]
    monkeypatch.setattr(discovery, "entry_points", lambda group: made)


def write(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder))


def test_a_datakit_is_found_as_itself() -> None:
    kit = Datakit(name="k", version="1")
    assert find_datakit(kit) is kit


def test_a_datakit_is_found_by_entry_point_and_by_module(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(
        monkeypatch,
        tmp_path,
        "found_kit",
        "from sqlmodel_framework import Datakit\ndatakit = Datakit(name='found', version='1')",
    )
    install(monkeypatch, found="found_kit:datakit")
    assert find_datakit("found").name == "found"
    assert find_datakit("found_kit") is find_datakit("found")


def test_no_such_datakit_names_those_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, flights="a:b", shop="c:d")
    with pytest.raises(DatakitError, match="there is no datakit 'fligts'") as caught:
        find_datakit("fligts")
    assert caught.value.hint == "did you mean 'flights'? installed are: flights, shop"
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("name", ["no-such", "no_such.deeper", "", "a b", "..", "os.no_such"])
def test_a_name_that_is_no_module_is_no_datakit(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    install(monkeypatch)
    with pytest.raises(DatakitError, match="no datakit|cannot be imported"):
        find_datakit(name)


def test_a_module_that_cannot_be_imported_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(monkeypatch, tmp_path, "broken_kit", "import a_package_that_is_not_there")
    install(monkeypatch, broken="broken_kit:datakit")
    for name in ("broken", "broken_kit"):
        with pytest.raises(DatakitError, match=f"'{name}' cannot be imported.*a_package_that_is_not_there"):
            find_datakit(name)


def test_a_module_without_a_datakit_is_told_from_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    with pytest.raises(DatakitError, match="'json' is no datakit: json:datakit is missing"):
        find_datakit("json")


def test_two_installed_datakits_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [EntryPoint("k", value, discovery.GROUP) for value in ("one:kit", "two:kit")]
    monkeypatch.setattr(discovery, "entry_points", lambda group: made)
    with pytest.raises(DatakitError, match="several datakits called 'k' are installed: one:kit, two:kit"):
        find_datakit("k")


def test_looking_for_a_datakit_leaves_the_import_path_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    before = list(sys.path)
    with pytest.raises(DatakitError):
        find_datakit("nowhere_datakit")
    assert sys.path == before


def test_the_datakit_of_a_folder_is_imported_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "folder_datakit"
    package.mkdir()
    (package / "__init__.py").write_text(
        "from sqlmodel_framework import Datakit\nfrom . import deeper\n"
        "datakit = Datakit(name=deeper.NAME, version='1')"
    )
    (package / "deeper.py").write_text("NAME = 'deep'")
    other = ModuleType("folder_datakit")
    monkeypatch.setitem(sys.modules, "folder_datakit", other)
    before = list(sys.path)
    assert datakit_in(package).name == "deep"
    (package / "deeper.py").write_text("NAME = 'changed'")
    assert datakit_in(package).name == "changed"
    assert sys.path == before
    assert sys.modules["folder_datakit"] is other
    assert "folder_datakit.deeper" not in sys.modules


def test_a_broken_datakit_of_a_folder_is_named_with_the_reason(tmp_path: Path) -> None:
    package = tmp_path / "broken_folder_datakit"
    package.mkdir()
    (package / "__init__.py").write_text("\nraise RuntimeError('no')")
    with pytest.raises(DatakitError, match="'broken_folder_datakit' cannot be imported: .*line 2: .*: no"):
        datakit_in(package)
    assert "broken_folder_datakit" not in sys.modules
