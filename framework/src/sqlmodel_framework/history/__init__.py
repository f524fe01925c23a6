"""What a table's rows were: one API over what each database does best.

A table that is declared with `TemporalTableMixin` and deployed keeps every state that a row was in.
"""

from __future__ import annotations

from ..base.instants import FOREVER
from .queries import as_of, changes_between, history_of

__all__ = ["FOREVER", "as_of", "changes_between", "history_of"]
