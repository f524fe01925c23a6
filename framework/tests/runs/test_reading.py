import json
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel_framework.errors import SpecError, TargetError
from sqlmodel_framework.runs.reading import parse_spec, read_spec

RUN_ID = "6f1c4a52-2f0b-4a53-9d3a-0a7e4ef3a0c1"
YAML = f"""\
run_id: {RUN_ID}
datakit: flights   # a comment
step: run
target:
  name: warehouse
  url: postgresql://me@db.example/warehouse
window:
  start: 2024-01-01T00:00:00Z
  end: 2024-01-02 00:00:00+00:00
parameters:
  rows: 1_0
"""


def test_yaml_and_json_mean_the_same() -> None:
    as_yaml = parse_spec(YAML, "x")
    as_json = parse_spec(as_yaml.model_dump_json(), "x")
    indented = parse_spec(json.dumps(json.loads(as_yaml.model_dump_json()), indent="\t"), "x")
    assert as_yaml == as_json == indented
    assert as_yaml.run_id == UUID(RUN_ID)
    assert as_yaml.window is not None
    assert (as_yaml.window.end - as_yaml.window.start).days == 1


def test_what_a_run_belongs_to_can_be_named_and_need_not_be() -> None:
    parent = {"namespace": "orchestrator", "job": "dag.task", "run_id": RUN_ID}
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    spec = {"run_id": RUN_ID, "datakit": "k", "step": "s"}
    named = parse_spec(json.dumps(spec | {"parent_run": parent, "trace_parent": trace}), "x")
    assert named.parent_run is not None
    assert (named.parent_run.job, named.trace_parent) == ("dag.task", trace)
    assert parse_spec(json.dumps(spec), "x").parent_run is None
    for wrong in ({"parent_run": {**parent, "run_id": "1"}}, {"trace_parent": "00-1-2-01"}):
        with pytest.raises(SpecError):
            parse_spec(json.dumps(spec | wrong), "x")


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.text(st.characters(exclude_categories=["C"])),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_parameters_come_through_json_as_they_are(value: object) -> None:
    text = json.dumps({"run_id": RUN_ID, "datakit": "k", "step": "s", "parameters": {"p": value}})
    assert parse_spec(text, "x").parameters == {"p": value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x: a run specification is a mapping"),
        ("- a\n- b\n", "x: a run specification is a mapping"),
        ("run_id: [", "x: line 1: neither JSON nor YAML"),
        ('{"run_id": 1,\n "run_id": 2}', "x: run_id is given twice"),
        ('{\n\t"run_id": "7", "datakit": "k", "step": "s"\n}', "x: run_id: "),
        (YAML.replace("step:", "stepp:"), "x: line 3: stepp: Extra inputs are not permitted"),
        (YAML.replace("step: run\n", ""), "x: line 1: step: Field required"),
        (YAML.replace(RUN_ID, "7"), "x: line 1: run_id: "),
        (YAML.replace("  name: warehouse", "  nam: warehouse"), "x: line 5: target.nam: "),
        (YAML.replace("  end: 2024-01-02", "  end: 2023-01-02"), "x: line 7: window: the end is not"),
        (YAML.replace("T00:00:00Z", " 00:00:00"), "x: line 8: window.start: Input should have timezone info"),
        (YAML.replace("me@", "me:hush@"), "x: line 4: target: the url holds a password"),
        (YAML + "image_digest: latest\n", "x: line 12: image_digest: "),
        (YAML + "step: again\n", "x: line 12: step is given twice"),
        (YAML.replace("rows: 1_0", "rows: !!int one"), "x: line 11: parameters.rows: 'one' is no int"),
        (YAML.replace("rows: 1_0", "? [a]\n  : b"), "x: line 11: a field's name is a text"),
        (YAML.replace("rows: 1_0", "rows: &a [*a]"), "x: values are nested too deeply, or in themselves"),
        (YAML.replace("rows: 1_0", f"rows: {'[' * 5000}"), "x: values are nested too deeply"),
        (f'{{"run_id": {"[" * 100_000}', "x: values are nested too deeply"),
        (YAML.replace("  name: warehouse", "  options: {password: hush}"),
         "x: line 4: target: the options hold a password"),
        (YAML.replace("  url: postgresql://me@db.example/warehouse", "  password_env: A"),
         "x: line 4: target: password_env is given without a url"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_its_field(text: str, expected: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "x")
    assert caught.value.message.startswith(expected)
    assert "hush" not in str(caught.value)
    assert caught.value.exit_code == 64


def test_aliases_of_aliases_are_refused_before_they_fill_the_memory() -> None:
    levels = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(SpecError, match="there are more than 100,000 values"):
        parse_spec(YAML.replace("  rows: 1_0\n", "  a0: &a0 [1, 2]\n" + levels), "x")


def test_a_file_that_is_not_there_or_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"spec\.yml cannot be read: No such file"):
        read_spec(tmp_path / "spec.yml")
    (tmp_path / "spec.yml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match=r"spec\.yml cannot be read: it is not UTF-8"):
        read_spec(tmp_path / "spec.yml")


def test_the_variable_holds_a_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAKIT_RUN_SPEC", YAML)
    assert read_spec(None).datakit == "flights"
    monkeypatch.delenv("DATAKIT_RUN_SPEC")
    with pytest.raises(SpecError, match="no run specification"):
        read_spec(None)


def test_a_target_is_a_url_or_a_name_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAKIT_TARGETS__WAREHOUSE__URL", "postgresql://me@env.example/d")
    assert parse_spec(YAML, "x").required_target().url.host == "db.example"
    named = YAML.replace("  url: postgresql://me@db.example/warehouse\n", "")
    assert parse_spec(named, "x").required_target().url.host == "env.example"
    with pytest.raises(SpecError, match="line 4: target: neither a url nor the name"):
        parse_spec(named.replace("  name: warehouse\n", "  options: {}\n"), "x")


def test_time_limits_and_tls_reach_the_target() -> None:
    more = "  statement_timeout: 60\n  tls: verify-full\n  tls_ca: /run/secrets/ca.pem\nwindow:"
    endpoint = parse_spec(YAML.replace("window:", more), "x").target
    assert endpoint is not None
    target = endpoint.target()
    assert target.statement_timeout == 60
    assert dict(target.options) == {"sslmode": "verify-full", "sslrootcert": "/run/secrets/ca.pem"}
    with pytest.raises(SpecError, match="line 7: target.statement_timeout: Input should be greater than 0"):
        parse_spec(YAML.replace("window:", "  statement_timeout: 0\nwindow:"), "x")
    unknown = parse_spec(YAML.replace("window:", "  tls: verify-full\nwindow:"), "x").target
    assert unknown is not None
    with pytest.raises(TargetError, match="tls_ca"):
        unknown.target()
