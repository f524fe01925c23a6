from pathlib import Path

import pytest
from sqlalchemy import inspect
from sqlalchemy.dialects import registry as dialects
from sqlmodel import Field
from sqlmodel_framework import BaseEngine, Datakit, DatakitError, ReferenceTableMixin, Target, deploy_datakit
from sqlmodel_framework.engines.registry import engine_for


class Crate(ReferenceTableMixin, table=True):
    code: str = Field(primary_key=True)


KIT = Datakit(name="crates", version="1", tables=(Crate,))

ENGINE = """
from sqlmodel_framework.engines import BaseEngine

class {name}(BaseEngine):
    calls = []

    def create_tables(self, metadata):
        self.calls.append(sorted(metadata.tables))
        metadata.create_all(self.connection)
"""


def install(site: Path, package: str, **engines: str) -> None:
    """A distribution as pip leaves it: a module, and a dist-info folder beside it."""
    (site / f"{package}.py").write_text("".join(ENGINE.format(name=name) for name in set(engines.values())))
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{dialect} = {package}:{name}" for dialect, name in engines.items()]
    (info / "entry_points.txt").write_text("\n".join(["[sqlmodel_framework.engines]", *lines]))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # A dialect that needs no server, by a name that no engine here has.
    dialects.register("crates", "sqlalchemy.dialects.sqlite.pysqlite", "SQLiteDialect_pysqlite")
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_an_installed_engine_serves_its_dialect_and_creates_the_tables(site: Path, tmp_path: Path) -> None:
    install(site, "engine_of_theirs", crates="TheirEngine")
    target = Target(f"crates:///{tmp_path / 'crates.db'}")
    engine = engine_for(target)
    assert type(engine).__name__ == "TheirEngine"
    assert deploy_datakit(KIT, target).created_tables == ("crate",)
    assert deploy_datakit(KIT, target).changed is False
    assert type(engine).calls == [["crate"]]  # type: ignore[attr-defined]
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["crate"]


def test_an_engine_that_is_given_wins_over_one_that_is_installed(site: Path, tmp_path: Path) -> None:
    install(site, "engine_of_others", crates="OtherEngine")

    class Mine(BaseEngine):
        made = 0

        def create_tables(self, metadata: object) -> None:
            type(self).made += 1

    deploy_datakit(KIT, f"crates:///{tmp_path / 'crates.db'}", engine=Mine)
    assert Mine.made == 1


def test_two_engines_for_one_dialect_are_refused_with_their_names(site: Path) -> None:
    install(site, "first_crates", crates="EngineOne")
    install(site, "second_crates", crates="EngineTwo")
    with pytest.raises(DatakitError, match="first_crates:EngineOne, second_crates:EngineTwo"):
        engine_for(Target("crates://"))


def test_the_hint_about_an_unknown_dialect_names_the_installed_engines(site: Path) -> None:
    install(site, "engine_of_ducks", duckdb="DuckEngine")
    with pytest.raises(DatakitError, match="there is no engine for 'oracle'") as caught:
        engine_for(Target("oracle://h/d"))
    assert caught.value.hint == "there are: duckdb, mariadb, mssql, postgresql, sqlite"
    assert caught.value.exit_code == 64


def test_looking_for_an_engine_imports_no_other(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "engine_of_geese", duckdb="GooseEngine")
    (site / "engine_of_geese.py").write_text("raise RuntimeError('imported for nothing')")
    assert engine_for(Target("postgresql://h/d")).can_load
    with pytest.raises(DatakitError, match="imported for nothing"):
        engine_for(Target("duckdb:///x"))


@pytest.mark.parametrize("driver", ["no_such_driver", "asyncpg_that_nobody_has"])
def test_a_driver_that_is_not_there_is_one_clear_line(driver: str) -> None:
    target = Target(f"postgresql+{driver}://me:hush@h/d", name="t")
    with pytest.raises(DatakitError, match=rf"target t\b.*{driver}") as caught:
        deploy_datakit(KIT, target)
    assert caught.value.exit_code == 64
    assert "hush" not in repr(caught.value)


def test_a_dialect_whose_package_is_not_installed_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dialects.impls, "postgresql.absent", _absent)
    with pytest.raises(DatakitError, match=r"target t\b.*a_driver_that_nobody_has"):
        deploy_datakit(KIT, Target("postgresql+absent://me@h/d", name="t"))


def _absent() -> None:
    raise ModuleNotFoundError("No module named 'a_driver_that_nobody_has'")
