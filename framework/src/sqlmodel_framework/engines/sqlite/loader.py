"""How SQLite stages the rows of a bronze table; see `sqlmodel_framework.engines.staged_bronze`."""

from __future__ import annotations

from sqlalchemy import Text

from ..staged_bronze import Staging
from .row_hash import row_hash

__all__ = ["STAGING"]

STAGING = Staging(database="SQLite", text_type=Text(), row_hash=row_hash)
