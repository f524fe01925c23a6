"""A folder of files is a DAG each; every mistake of every file is told at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datakit_airflow import warehouses
from datakit_airflow.configuration import ConfigurationError
from datakit_airflow.environment import Environment
from kit.described import SHOP, write

PROCESS = Environment(execution="process")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(SHOP, tmp_path).rename(tmp_path / "shop.description")
    (tmp_path / "_base.yaml").write_text(
        "datakit: shop.description\nretries: 4\nparameters: {load: {a: 1}, check: {b: 1}}\n"
    )
    for tenant in ("north", "south"):
        (tmp_path / f"{tenant}.yaml").write_text(f"dag_id: shop_{tenant}\ntarget: {tenant}\n")
    return tmp_path


def test_each_file_is_a_dag_on_top_of_the_base(folder: Path) -> None:
    (folder / "south.yaml").write_text(
        "dag_id: shop_south\ntarget: south\nretries: 1\nparameters: {load: {a: 2}}\n"
    )
    dags = warehouses(folder, environment=PROCESS)

    assert sorted(dags) == ["shop_north", "shop_south"]
    assert dags["shop_north"].task_dict["check"].retries == 4
    assert dags["shop_south"].task_dict["check"].retries == 1
    south: dict[str, Any] = dict(dags["shop_south"].task_dict)
    assert south["bronze.items"].work.step.parameters["a"] == 2
    assert south["check"].work.step.parameters == {"b": 1}
    assert south["bronze.items"].work.target == "south"


def test_every_mistake_names_its_file_and_its_field(folder: Path) -> None:
    (folder / "north.yaml").write_text("dag_id: shop_north\ntarget: north\ncatchup: perhaps\n")
    (folder / "south.yaml").write_text("dag_id: shop_south\ntarget: south\ngroups: {g: [gold.x]}\n")

    with pytest.raises(ConfigurationError) as caught:
        warehouses(folder, environment=PROCESS)
    assert [(Path(one.place).name, one.field) for one in caught.value.problems] == [
        ("north.yaml", "catchup"),
        ("south.yaml", "groups.g"),
    ]


def test_two_files_with_one_dag_id_are_a_mistake(folder: Path) -> None:
    (folder / "south.yaml").write_text("dag_id: shop_north\ntarget: south\n")

    with pytest.raises(ConfigurationError, match="another file has 'shop_north' as well"):
        warehouses(folder, environment=PROCESS)


def test_a_folder_without_files_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no file of a DAG in it"):
        warehouses(tmp_path, environment=PROCESS)


def test_what_is_no_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it is no folder"):
        warehouses(tmp_path / "nowhere", environment=PROCESS)


def test_airflow_finds_them_in_a_file_of_three_lines(folder: Path) -> None:
    from airflow.dag_processing.dagbag import BundleDagBag

    (folder / "datakit_airflow.toml").write_text('execution = "process"\n')
    (folder / "shops.py").write_text(
        "from pathlib import Path\nfrom datakit_airflow import warehouses\n"
        "dags = warehouses(Path(__file__).parent)\n"
    )
    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="shops")

    assert bag.import_errors == {}
    assert sorted(bag.dags) == ["shop_north", "shop_south"]
    assert bag.dags["shop_north"].fileloc == str(folder / "shops.py")
