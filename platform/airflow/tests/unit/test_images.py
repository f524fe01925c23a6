"""Only a digest says which bytes an image is."""

from __future__ import annotations

import pytest
from datakit_airflow.images import digest_of

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize("name", ["shop", "registry.example:5000/team/shop", "shop:1.0"])
def test_a_reference_by_digest_has_one(name: str) -> None:
    assert digest_of(f"{name}@{DIGEST}") == DIGEST


@pytest.mark.parametrize("reference", ["shop", "shop:1.0", "shop@sha256:12", f"Shop@{DIGEST}"])
def test_any_other_has_none(reference: str) -> None:
    assert digest_of(reference) is None
