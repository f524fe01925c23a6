"""OpenLineage's facets of tables and loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from openlineage.client.event_v2 import InputDataset, OutputDataset
from openlineage.client.facet_v2 import (
    DatasetFacet,
    schema_dataset,
)
from openlineage.client.facet_v2 import (
    data_quality_assertions_dataset as assertions,
)
from openlineage.client.facet_v2 import (
    data_quality_metrics_input_dataset as metrics,
)
from openlineage.client.facet_v2 import (
    input_statistics_input_dataset as input_statistics,
)
from openlineage.client.facet_v2 import (
    output_statistics_output_dataset as output_statistics,
)
from sqlalchemy import Column, Dialect, Table
from sqlalchemy.exc import SQLAlchemyError

from .. import __version__
from ..base.tables import is_generated
from ..loading.load import Load
from ..runs.events import Checked, LoadFinished
from ..runs.ledger import SCHEMA
from ..targets.target import Target
from .naming import DatasetName, source_name, table_name
from .reading import dialect_of, sql_of, tables_read

__all__ = ["PRODUCER", "checked_inputs", "load_inputs", "load_outputs"]

PRODUCER = f"https://pypi.org/project/sqlmodel-framework/{__version__}"


def load_inputs(load: Load, target: Target, done: LoadFinished | None = None) -> list[InputDataset]:
    """What a load reads; with what it found in the rows, when it is done."""
    dialect = dialect_of(target)
    found = [
        InputDataset(name.namespace, name.name, facets=_schema(table, dialect))
        for name, table in source_name(load.source, target)
    ]
    if done is not None and len(found) == 1:
        found[0].inputFacets = {
            "inputStatistics": input_statistics.InputStatisticsInputDatasetFacet(
                rowCount=done.result.read, size=done.bytes_read, producer=PRODUCER
            ),
            **_quality(done),
        }
    return found


def load_outputs(load: Load, target: Target, done: LoadFinished | None = None) -> list[OutputDataset]:
    """What a load writes; with how much it wrote, when it is done."""
    table = load.sql_table
    name = table_name(target, table.name, table.schema)
    output = OutputDataset(name.namespace, name.name, facets=_schema(table, dialect_of(target)))
    if done is not None:
        facets: dict[str, Any] = {
            "outputStatistics": output_statistics.OutputStatisticsOutputDatasetFacet(
                rowCount=done.result.loaded, producer=PRODUCER
            )
        }
        if len(source_name(load.source, target)) != 1:
            # What was found in the rows of a join is about none of its tables.
            facets |= _quality(done)
        output.outputFacets = facets
    return [output]


def checked_inputs(checked: Iterable[Checked]) -> list[InputDataset]:
    """The tables that checks have read, each with what they found."""
    found: dict[DatasetName, InputDataset] = {}
    by_table: dict[DatasetName, list[assertions.Assertion]] = {}
    for event in checked:
        target = event.target
        assertion = assertions.Assertion(
            assertion="custom_sql",
            success=not event.result.offending,
            severity="error",
            name=event.check.name,
            description=event.check.because,
            expected="0",
            actual=str(event.result.offending),
            content=sql_of(event.check.statement, target),
            contentType="sql",
        )
        for table in tables_read(event.check.statement):
            # What the ledger knows is no data of anybody's.
            if table.schema == SCHEMA:
                continue
            name = table_name(target, table.name, table.schema)
            if name not in found:
                found[name] = InputDataset(*name, facets=_schema(table, dialect_of(target)))
            by_table.setdefault(name, []).append(assertion)
    for place, dataset in found.items():
        dataset.inputFacets = {"dataQualityAssertions": _assertions(by_table[place])}
    return list(found.values())


def _schema(table: Table | None, dialect: Dialect) -> dict[str, DatasetFacet]:
    if table is None:
        return {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name,
            type=_type(column, dialect),
            description=column.comment,
            ordinal_position=number,
        )
        for number, column in enumerate(table.columns, 1)
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER)}


def _type(column: Column[Any], dialect: Dialect) -> str:
    try:
        return column.type.compile(dialect=dialect)
    except SQLAlchemyError:
        # The database has no word of its own for it.
        return column.type.__visit_name__


def _quality(done: LoadFinished) -> dict[str, Any]:
    """What is known of the rows that a load was offered: how many, nulls, and why some were rejected."""
    load, result = done.load, done.result
    nulls = {} if load.is_bronze else _nulls(done)
    facets: dict[str, Any] = {
        "dataQualityMetrics": metrics.DataQualityMetricsInputDatasetFacet(
            rowCount=result.read,
            bytes=done.bytes_read,
            columnMetrics={name: metrics.ColumnMetrics(nullCount=count) for name, count in nulls.items()},
            producer=PRODUCER,
        )
    }
    if not load.is_bronze:
        facets["dataQualityAssertions"] = _assertions(
            [
                _assertion("contract", result.rejected, None),
                *(_assertion(why, rows, _column(load, why)) for why, rows in result.reasons.items()),
            ]
        )
    return facets


def _nulls(done: LoadFinished) -> dict[str, int]:
    """Nulls are counted where there may be none, each such row being rejected."""
    return {
        column.name: done.result.reasons.get(f"{column.name} is missing", 0)
        for column in done.load.sql_table.columns
        if not column.nullable and not is_generated(done.load.table, column)
    }


def _assertion(what: str, rows: int, column: str | None) -> assertions.Assertion:
    return assertions.Assertion(
        assertion=what, success=not rows, column=column, severity="warn", expected="0", actual=str(rows)
    )


def _column(load: Load, reason: str) -> str | None:
    """The column that a reason begins with, if it is one alone."""
    names = [column.name for column in load.sql_table.columns if reason.startswith(f"{column.name} ")]
    return max(names, key=len, default=None)


def _assertions(found: list[assertions.Assertion]) -> assertions.DataQualityAssertionsDatasetFacet:
    return assertions.DataQualityAssertionsDatasetFacet(assertions=found, producer=PRODUCER)
