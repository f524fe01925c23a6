"""What OpenLineage's own client sends, to a server that keeps it."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from openlineage.client import OpenLineageClient
from openlineage.client.transport.http import HttpConfig, HttpTransport
from sqlmodel_framework import Datakit, DatakitError, Target, run_datakit
from sqlmodel_framework.observe.configured import configured_listeners
from sqlmodel_framework.observe.openlineage import OpenLineageListener
from sqlmodel_framework.runs.run import ChecksFailedError
from sqlmodel_framework.runs.spec import ParentRun

if TYPE_CHECKING:
    from observe.conftest import Kit

SECRET = "s3cr3t"
PARENT = ParentRun(namespace="orchestrator", job="dag.task", run_id=uuid4())


class Backend:
    """Keeps what is posted to it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        kept = self.texts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append(
                    (gzip.decompress(body) if self.headers.get("Content-Encoding") else body).decode()
                )
                self.send_response(201)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]

    def listener(self, parent: ParentRun | None = None) -> OpenLineageListener:
        client = OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict({"url": self.url})))
        return OpenLineageListener(parent_run=parent, client=client)

    def of(self, job: str, state: str) -> dict[str, Any]:
        found = [e for e in self.events if (e["job"]["name"], e["eventType"]) == (job, state)]
        assert len(found) == 1, [(e["job"]["name"], e["eventType"]) for e in self.events]
        return found[0]


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def story(backend: Backend) -> list[tuple[str, str]]:
    return [(event["eventType"], event["job"]["name"]) for event in backend.events]


BRONZE, SILVER, GOLD = (f"observed.observed.{name}" for name in ("raw.items", "item.items", "dear.dear"))


def test_a_run_is_a_run_with_one_below_it_for_each_load(kit: Kit, target: Target, backend: Backend) -> None:
    run_id = uuid4()
    run_datakit(kit(), target, run_id=run_id, listeners=[backend.listener(PARENT)])
    assert story(backend) == [
        ("START", "observed"),
        *((state, job) for job in (BRONZE, SILVER, GOLD) for state in ("START", "COMPLETE")),
        ("COMPLETE", "observed"),
    ]
    ids: dict[str, set[str]] = {}
    for event in backend.events:
        ids.setdefault(event["job"]["name"], set()).add(event["run"]["runId"])
        assert event["job"]["namespace"] == "default"
        assert event["producer"].startswith("https://pypi.org/project/sqlmodel-framework/")
        assert event["schemaURL"].endswith("RunEvent")
        parent = event["run"]["facets"]["parent"]
        own = event["job"]["name"] == "observed"
        assert parent["job"]["name"] == ("dag.task" if own else "observed")
        assert parent["run"]["runId"] == str(PARENT.run_id if own else run_id)
        assert parent["root"]["run"]["runId"] == str(PARENT.run_id)
    assert ids["observed"] == {str(run_id)}
    assert all(len(found) == 1 for found in ids.values())
    assert len(set().union(*ids.values())) == 4


def test_what_a_load_read_and_wrote_is_told(kit: Kit, target: Target, backend: Backend) -> None:
    run_datakit(kit(), target, listeners=[backend.listener()])
    port = target.url.port or 5432
    host = target.url.host or "localhost"
    namespace, database = f"postgres://{host}:{port}", target.url.database

    bronze = backend.of(BRONZE, "COMPLETE")
    (read,), (written,) = bronze["inputs"], bronze["outputs"]
    assert (read["namespace"], read["name"]) == ("https://till.example", "items.csv")
    assert read["inputFacets"]["inputStatistics"]["rowCount"] == 4
    assert read["inputFacets"]["inputStatistics"]["size"] == len("code,price\na,1\nb,200\nc,-1\n,5\n")
    assert (written["namespace"], written["name"]) == (namespace, f"{database}.observed.raw")
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 4

    silver = backend.of(SILVER, "COMPLETE")
    (read,), (written,) = silver["inputs"], silver["outputs"]
    assert (read["namespace"], read["name"]) == (namespace, f"{database}.observed.raw")
    fields = {field["name"]: field for field in written["facets"]["schema"]["fields"]}
    assert fields["price"]["type"] == "INTEGER"
    assert (fields["code"]["type"], fields["code"]["description"]) == ("VARCHAR", "What the till calls it.")
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 2
    metrics = read["inputFacets"]["dataQualityMetrics"]
    assert metrics["rowCount"] == 4
    assert {name: each["nullCount"] for name, each in metrics["columnMetrics"].items()} == {
        "code": 1,
        "price": 0,
    }
    found = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert {(a["assertion"], a.get("column"), a["success"], a["actual"]) for a in found} == {
        ("contract", None, False, "2"),
        ("price is not >= 0", "price", False, "1"),
        ("code is missing", "code", False, "1"),
    }

    gold = backend.of(GOLD, "COMPLETE")
    assert [each["name"] for each in gold["inputs"]] == [f"{database}.observed.item"]
    assert gold["job"]["facets"]["sql"]["query"].endswith("WHERE observed.item.price > :price_1")

    (checked,) = backend.of("observed", "COMPLETE")["inputs"]
    assert checked["name"] == f"{database}.observed.item"
    (assertion,) = checked["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["name"], assertion["success"], assertion["actual"]) == ("prices", True, "0")


def test_what_goes_wrong_is_told_without_a_secret(kit: Kit, target: Target, backend: Backend) -> None:
    def broken() -> Any:
        raise OSError(f"no file at {target.secret_url().render_as_string(hide_password=False)}")

    with pytest.raises(BaseException, match="no file at"):
        run_datakit(kit(opened=broken), target, listeners=[backend.listener()])
    assert story(backend)[-2:] == [("FAIL", BRONZE), ("FAIL", "observed")]
    for event in backend.events[-2:]:
        assert "no file at" in event["run"]["facets"]["errorMessage"]["message"]
    assert backend.of(BRONZE, "FAIL")["outputs"][0].get("outputFacets", {}) == {}
    assert SECRET not in "".join(backend.texts)


def test_a_check_that_finds_something_fails_the_run(kit: Kit, target: Target, backend: Backend) -> None:
    with pytest.raises(ChecksFailedError):
        run_datakit(kit(limit=1), target, listeners=[backend.listener()])
    (checked,) = backend.of("observed", "FAIL")["inputs"]
    (assertion,) = checked["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["success"], assertion["actual"], assertion["expected"]) == (False, "1", "0")
    assert SECRET not in "".join(backend.texts)


def test_what_was_loaded_before_is_not_told_again(kit: Kit, target: Target, backend: Backend) -> None:
    run_id = uuid4()
    with pytest.raises(ChecksFailedError):
        run_datakit(kit(limit=1), target, run_id=run_id, listeners=[backend.listener()])
    backend.texts.clear()
    run_datakit(kit(), target, run_id=run_id, listeners=[backend.listener()])
    assert story(backend) == [("START", "observed"), ("COMPLETE", "observed")]
    backend.texts.clear()
    assert run_datakit(kit(), target, run_id=run_id, listeners=[backend.listener()]).repeated
    done = backend.of("observed", "COMPLETE")
    assert (done["inputs"], done["outputs"]) == ([], [])
    assert ("repeated", "true") in {(t["key"], t["value"]) for t in done["run"]["facets"]["tags"]["tags"]}


def test_the_environment_alone_configures_it(
    kit: Kit, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "events.jsonl"
    transport = {"type": "file", "log_file_path": str(file), "append": True}
    (tmp_path / "openlineage.yml").write_text(json.dumps({"transport": transport}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "mine")
    root = uuid4()
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", f"s3://bucket/dag.task/{PARENT.run_id}")
    monkeypatch.setenv("OPENLINEAGE_ROOT_PARENT_ID", f"airflow/dag/{root}")
    run_datakit(kit(), target)
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", *["START", "COMPLETE"] * 3, "COMPLETE"]
    assert {event["job"]["namespace"] for event in events} == {"mine"}
    parent = events[0]["run"]["facets"]["parent"]
    assert parent["job"] == {"namespace": "s3://bucket", "name": "dag.task"} | (
        {"facets": {}} if "facets" in parent["job"] else {}
    )
    assert {UUID(event["run"]["facets"]["parent"]["root"]["run"]["runId"]) for event in events} == {root}
    assert SECRET not in file.read_text()


def test_a_server_that_is_not_there_is_one_warning(
    kit: Kit, target: Target, backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"url": f"http://me:{SECRET}@127.0.0.1:9/?key={SECRET}", "retry": {"total": 0}}
    listener = OpenLineageListener(
        client=OpenLineageClient(transport=HttpTransport(HttpConfig.from_dict(config)))
    )
    result = run_datakit(kit(), target, listeners=[listener, backend.listener()])
    assert result.loaded > 0
    warnings = [r for r in caplog.records if r.name.startswith("sqlmodel_framework")]
    assert len(warnings) == 1
    assert SECRET not in warnings[0].getMessage()
    assert len(backend.events) == 8


def test_a_configuration_that_cannot_work_is_one_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "carrier-pigeon")
    assert configured_listeners() == []
    assert "OpenLineage is configured in a way that cannot work" in caplog.text
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    caplog.clear()
    assert configured_listeners() == []
    assert not caplog.text


def test_a_parent_that_is_none_is_said(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, backend: Backend
) -> None:
    monkeypatch.setenv("OPENLINEAGE_PARENT_ID", "nonsense")
    backend.listener()
    assert "OPENLINEAGE_PARENT_ID is not namespace/job/run id" in caplog.text


def test_a_target_that_is_not_there_fails_the_run(
    kit: Callable[[], Datakit], backend: Backend, tmp_path: Path
) -> None:
    with pytest.raises(DatakitError, match="cannot be reached"):
        run_datakit(kit(), f"postgresql://me:{SECRET}@/d?host={tmp_path}", listeners=[backend.listener()])
    assert story(backend) == [("START", "observed"), ("FAIL", "observed")]
    assert SECRET not in "".join(backend.texts)
