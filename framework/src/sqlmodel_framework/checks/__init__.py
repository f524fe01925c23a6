"""Checks that come from a typed table: each is one statement, and no row leaves the database.

datakit = Datakit(
...,
checks=(
*table_checks(Sale),
fresh(Sale, "sold_at", within=timedelta(days=1)),
row_count(Sale, at_least=1, change=0.5),
),
)
"""

from .columns import accepted_values, not_null, references, unique
from .declared import table_checks
from .freshness import fresh
from .sizes import row_count

__all__ = ["accepted_values", "fresh", "not_null", "references", "row_count", "table_checks", "unique"]
