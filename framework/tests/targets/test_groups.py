from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel_framework import DatakitError, Target
from sqlmodel_framework.targets.settings import read_settings, resolve_target, resolve_targets

TARGETS = "".join(f'[targets.{name}]\nurl = "postgresql://{name}.example/d"\n' for name in "abc")
GROUPS = {"warehouses": ["a", "b"], "all-of-them": ["c", "a", "b"]}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = [f"{name} = {members}" for name, members in GROUPS.items()]
    (tmp_path / "datakit.toml").write_text("\n".join([TARGETS, "[groups]", *lines]))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(["a", "b", "c", *GROUPS]), min_size=1))
def test_groups_stand_for_their_members_in_order_and_what_comes_again_is_dropped(names: list[str]) -> None:
    members = [member for name in names for member in GROUPS.get(name, [name])]
    assert [target.name for target in resolve_targets(names)] == list(dict.fromkeys(members))


def test_targets_and_urls_stand_for_themselves() -> None:
    own = Target("postgresql://x/d", name="own")
    one, two = (f"postgresql:///d?host=/run/{place}" for place in ("one", "two"))
    found = resolve_targets([own, one, "a", two, one, own])
    assert [target.name for target in found] == ["own", "postgresql:///d", "a", "postgresql:///d"]
    assert found[0] is own
    assert [found[1].url.query["host"], found[3].url.query["host"]] == ["/run/one", "/run/two"]


def test_none_at_all_is_an_error() -> None:
    with pytest.raises(DatakitError, match="no target is given"):
        resolve_targets([])


def test_a_group_is_no_target() -> None:
    with pytest.raises(DatakitError, match="'warehouses' is a group of targets") as caught:
        resolve_target("warehouses")
    assert caught.value.hint == "name one of a, b"


def test_the_environment_names_groups_and_their_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_TARGETS__D__URL", "postgresql://d.example/d")
    monkeypatch.setenv("DATAKIT_GROUPS__NEW", '["d", "a"]')
    assert [target.name for target in resolve_targets(["new"])] == ["d", "a"]
    assert [target.name for target in resolve_targets(["warehouses"])] == ["a", "b"]


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ('x = ["a", "q"]', "groups.x: there is no target 'q'"),
        ('x = ["warehouses"]\nwarehouses = ["a"]', "groups.x: there is no target 'warehouses'"),
        ("x = []", "groups.x has no member"),
        ('a = ["b"]', "'a' is the name of a target and of a group"),
        ('Big = ["a"]', "a group cannot be called 'Big'"),
        ('x = "a"', "groups.x: "),
        ("x = [1]", "groups.x.0: "),
    ],
)
def test_a_group_that_cannot_be_meant_is_one_clear_line(project: Path, groups: str, expected: str) -> None:
    (project / "datakit.toml").write_text(f"{TARGETS}[groups]\n{groups}\n")
    with pytest.raises(DatakitError) as caught:
        read_settings()
    assert expected in caught.value.message
    assert caught.value.exit_code == 64
    assert "\n" not in caught.value.message
