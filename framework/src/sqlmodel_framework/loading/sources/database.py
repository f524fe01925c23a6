"""Tables and queries of another database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from sqlmodel import SQLModel

from ...base.models import BronzeTableMixin
from ...base.tables import is_generated, own_columns, table_of
from ...errors import DeclarationError
from ..extraction import ColumnRange, ColumnWindow, Extraction
from ..streams import PushedStream
from ..watermark import Watermark
from .csv import CsvSource
from .outside import OutsideSource

if TYPE_CHECKING:
    from ...targets.target import Target

__all__ = ["DatabaseSource"]


@dataclass(frozen=True, kw_only=True)
class DatabaseSource(OutsideSource):
    """Rows of a table in another database, of any engine, read in a transaction that cannot write.

    From PostgreSQL into a bronze table on PostgreSQL, the rows go from server to server by COPY, and get
    their row hash on the way. A table with a primary key is then cut into chunks along it, and a load that
    was killed goes on after the last chunk.

    Args:
        target: the database to read from; or a name, for that which a run says by its `sources`, and else
            the target of that name in the settings.
        table: the table's name there, `name` or `schema.name`.
        columns: which columns; by default those of the table that the rows go into, as far as no database
            fills them.
        window: which rows; all of them by default.
        watermark: read only what came since the last load; not together with a window.
        name: by default the table's name.
        system: by default the target's name.
        host: by default the target's host, as soon as it is known.
        extraction_method: by default "full", or "incremental" with a window or a watermark.

    Raises:
        DeclarationError: both a window and a watermark are given, or a URL where a name is meant.
    """

    target: Target | str
    table: str
    columns: tuple[str, ...] | None = None
    window: ColumnWindow | ColumnRange | None = None
    watermark: Watermark | None = None
    name: str = ""
    extraction_method: str = ""

    def __post_init__(self) -> None:
        if self.window is not None and self.watermark is not None:
            raise DeclarationError(
                f"the source {self.table} has both a window and a watermark",
                hint="give the watermark, and run_datakit a window to load some rows again",
            )
        if isinstance(self.target, str) and "://" in self.target:
            raise DeclarationError(
                f"the source {self.table} has a URL for the name of a target", hint="write Target(URL)"
            )
        whole = self.window is None and self.watermark is None
        defaults = {
            "name": self.table,
            "system": self.target if isinstance(self.target, str) else self.target.name,
            "host": None if isinstance(self.target, str) else self.target.url.host,
            "extraction_method": "full" if whole else "incremental",
        }
        for name, value in defaults.items():
            if not getattr(self, name):
                object.__setattr__(self, name, value)

    @property
    def database(self) -> Target:
        """The database; one that is only named is looked up in the settings.

        Raises:
            TargetError: the settings know no target of that name.
        """
        from ...targets.settings import resolve_target

        return resolve_target(self.target)

    def extraction(self, table: type[SQLModel]) -> Extraction:
        """What is read for a table."""
        return Extraction(table=self.table, columns=self.columns or _filled(table), window=self.window)

    def as_csv(self, table: type[SQLModel]) -> CsvSource:
        """The rows as the database writes them."""
        return self.csv_of(self.extraction(table).sql(self.database.dialect))

    def csv_of(self, query: str) -> CsvSource:
        """The rows of a query in the same database, as it writes them.

        Args:
            query: SQL text with every value written out.
        """
        from ...engines.registry import engine_for

        engine = engine_for(self.database)

        def push(file: BinaryIO) -> None:
            with engine.transaction():
                engine.forbid_writes()
                engine.write_csv(query, file)

        return CsvSource(
            open=lambda: cast("BinaryIO", PushedStream(push, engine.cancel)),
            null="",
            name=self.name,
            system=self.system,
            host=self.host,
            extraction_method=self.extraction_method,
        )


def _filled(table: type[SQLModel]) -> tuple[str, ...]:
    if issubclass(table, BronzeTableMixin):
        return tuple(column.name for column in own_columns(table))
    return tuple(column.name for column in table_of(table).columns if not is_generated(table, column))
