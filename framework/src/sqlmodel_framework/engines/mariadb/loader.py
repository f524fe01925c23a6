"""How MariaDB stages the rows of a bronze table; see `sqlmodel_framework.engines.staged_bronze`."""

from __future__ import annotations

from sqlalchemy import LargeBinary, cast
from sqlalchemy.dialects.mysql import LONGTEXT

from ..staged_bronze import Staging
from .ddl import COLLATION
from .row_hash import row_hash

__all__ = ["STAGING"]

STAGING = Staging(
    database="MariaDB",
    text_type=LONGTEXT(charset="utf8mb4", collation=COLLATION),
    row_hash=row_hash,
    exact=lambda value: cast(value, LargeBinary),
    # Without the word TEMPORARY it would commit.
    drop="DROP TEMPORARY TABLE",
)
