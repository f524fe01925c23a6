from pathlib import Path

import pytest
from sqlmodel import Field
from sqlmodel_framework import Datakit, Target
from sqlmodel_framework.base.models import ReferenceTableMixin
from sqlmodel_framework.utils.deployment import deploy_datakit


class Port(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "harbour"}
    code: str = Field(primary_key=True)


KIT = Datakit(name="harbour", version="2.1", tables=(Port,))

MODULE = """
from sqlmodel import Field
from sqlmodel_framework.base.models import ReferenceTableMixin
from sqlmodel_framework import Datakit

class Pier(ReferenceTableMixin, table=True):
    __table_args__ = {"schema": "pier"}
    code: str = Field(primary_key=True)

datakit = Datakit(name="pier", version="3", tables=(Pier,))
"""


def test_the_report_says_what_was_done(database: Target) -> None:
    first = deploy_datakit(KIT, database)
    assert (first.datakit, first.version, first.target) == ("harbour", "2.1", database.name)
    assert (first.created_schemas, first.created_tables) == (("harbour",), ("harbour.port",))
    assert first.changed
    assert first.seconds > 0
    second = deploy_datakit(KIT, database)
    assert (second.created_schemas, second.created_tables) == ((), ())
    assert (second.existing_schemas, second.existing_tables) == (("harbour",), ("harbour.port",))
    assert not second.changed
    assert second.fingerprint == first.fingerprint


def test_names_are_enough_for_the_datakit_and_the_target(
    database: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pier_kit.py").write_text(MODULE)
    (tmp_path / "datakit.toml").write_text('[targets.quay]\nurl = "postgresql://overridden.invalid/x"\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    url = database.secret_url().render_as_string(hide_password=False)
    monkeypatch.setenv("DATAKIT_TARGETS__QUAY__URL", url)
    deployment = deploy_datakit("pier_kit", "quay")
    assert (deployment.datakit, deployment.target) == ("pier", "quay")
    assert deployment.created_tables == ("pier.pier",)
