"""The import paths that existing users write: exactly these names, with exactly these signatures.

What stands here is data. A change of it is a change for somebody's program, so it is made on purpose.
"""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel
from sqlmodel_framework import BaseEngine

SURFACE = {
    "sqlmodel_framework.base.models": {
        "BaseMixin": "() -> None",
        "BronzeTableMixin": (
            "(*, bronze_id: int = None, source_system: str, source_table: str, source_host: str | None = "
            "None, extraction_method: Literal['file', 'full', 'incremental', 'cdc', 'api', 'stream'], "
            "loaded_at: datetime.datetime = None, run_id: uuid.UUID, row_hash: bytes) -> None"
        ),
        "EXTRACTION_METHODS": "('file', 'full', 'incremental', 'cdc', 'api', 'stream')",
        "ExtractionMethod": "typing.Literal['file', 'full', 'incremental', 'cdc', 'api', 'stream']",
        "ReferenceTableMixin": (
            "(*, created_at: datetime.datetime = None, updated_at: datetime.datetime = None, loaded_at: "
            "datetime.datetime = None, inactivated_at: datetime.datetime | None = None) -> None"
        ),
        "TemporalTableMixin": (
            "(*, valid_from: datetime.datetime = None, valid_to: datetime.datetime = None) -> None"
        ),
        "TransactionalTableMixin": (
            "(*, created_at: datetime.datetime = None, updated_at: datetime.datetime = None) -> None"
        ),
    },
    "sqlmodel_framework.engines": {
        "BaseEngine": "(target: 'Target | None' = None) -> 'None'",
    },
    "sqlmodel_framework.utils.deployment": {
        "deploy_datakit": (
            "(datakit: 'Datakit | str', target: 'Target | URL | str', *, engine: 'BaseEngine | "
            "type[BaseEngine] | None' = None, allow: 'Iterable[str]' = ()) -> 'Deployment'"
        ),
    },
}

ENGINE = {
    "begin_loads": "(self, datakit: 'str', tables: 'Collection[str]') -> 'None'",
    "begin_run": "(self, datakit: 'str') -> 'None'",
    "beyond_shapes": "(self, places: 'Collection[Place]') -> 'Sequence[tuple[str, str, str]]'",
    "bind": "(self, target: 'Target') -> 'None'",
    "bytes_sql": "(self, value: 'bytes') -> 'str'",
    "can_load": "False",
    "can_plan": "False",
    "cancel": "(self) -> 'None'",
    "canonical": "(self, declared: 'Declared', names: 'Collection[str]') -> 'Mapping[str, TableShape]'",
    "canonical_view": "(self, view: 'ViewShape') -> 'ViewShape'",
    "check_rights": "(self) -> 'None'",
    "comparable": "(self, shape: 'TableShape') -> 'TableShape'",
    "compare": (
        "(self, load: 'Load', *, chunk_rows: 'int', whole: 'bool', progress: 'Callable[[int], None]') -> "
        "'Comparison'"
    ),
    "connect": "(self) -> 'Iterator[Connection]'",
    "connection": "property -> Connection",
    "counting": "''",
    "create_schemas": "(self, names: 'Iterable[str]') -> 'None'",
    "create_tables": "(self, metadata: 'MetaData') -> 'None'",
    "ddl": (
        "(self, have: 'Snapshot', tables: 'Mapping[str, Table]', large: 'frozenset[str]' = "
        "frozenset()) -> 'DdlWriter'"
    ),
    "declared_generated": "(self, column: 'Column[Any]', words: 'str | None') -> 'str | None'",
    "declared_partitioning": "(self, table: 'Table') -> 'str | None'",
    "declared_partitions": "(self, table: 'Table') -> 'Mapping[str, str]'",
    "declared_type": "(self, column: 'Column[Any]') -> 'str'",
    "declared_value": "(self, column: 'Column[Any]', value: 'Any') -> 'ColumnElement[Any]'",
    "effect_of": "(self, difference: 'Difference') -> 'str'",
    "exact": "(self, column: 'Column[Any]', value: 'ColumnElement[Any]') -> 'ColumnElement[Any]'",
    "execute_alone": "(self, sql: 'str') -> 'None'",
    "execute_steps": "(self, steps: 'Sequence[Step]') -> 'None'",
    "existing_columns": "(self, places: 'Iterable[Place]') -> 'Mapping[Place, Sequence[ReflectedColumn]]'",
    "existing_tables": "(self, schemas: 'Collection[str]') -> 'Sequence[Place]'",
    "existing_views": "(self, schemas: 'Collection[str]') -> 'Sequence[Place]'",
    "forbid_writes": "(self) -> 'None'",
    "has_enums": "False",
    "has_grants": "False",
    "has_identity": "True",
    "has_schema": "(self, name: 'str') -> 'bool'",
    "has_tables": "(self, tables: 'Iterable[Table]') -> 'bool'",
    "has_zones": "True",
    "keeps_ledger": "False",
    "large_table": "67108864",
    "limit_waiting": "(self) -> 'None'",
    "load": (
        "(self, load: 'Load', run_id: 'UUID', datakit: 'str', progress: 'Callable[[int], None]') -> "
        "'LoadResult'"
    ),
    "locked": "(self, purpose: 'str') -> 'Iterator[None]'",
    "longest_name": "None",
    "make_sqlalchemy_engine": "(self) -> 'Engine'",
    "makes_tables_itself": "property -> bool",
    "move_table_sql": "(self, table: 'str', schema: 'str | None') -> 'str'",
    "oldest_version": "None",
    "open_source": (
        "(self, pool_arguments: 'Mapping[str, Any]' = mappingproxy({'poolclass': <class "
        "'sqlalchemy.pool.impl.NullPool'>})) -> 'Engine'"
    ),
    "own_schemas": "(self) -> 'Sequence[str]'",
    "pool_arguments": "(self) -> 'dict[str, Any]'",
    "quoted": "(self, name: 'str') -> 'str'",
    "read_rows": "(self, statement: 'Executable | str') -> 'list[dict[str, Any]]'",
    "read_snapshot": "(self, scope: 'Scope') -> 'Snapshot'",
    "refuse_names": "(self, tables: 'Sequence[Table]') -> 'None'",
    "remember": "(self, snapshot: 'Snapshot') -> 'None'",
    "rename_column_sql": "(self, table: 'str', shape: 'TableShape', old: 'str', new: 'str') -> 'list[str]'",
    "rename_table_sql": "(self, old: 'str', new: 'str') -> 'str'",
    "renames_across_schemas": "False",
    "renew_session": "(self, driver_connection: 'Any') -> 'bool'",
    "row_sql": "(self, table: 'Table', sql: 'str', inserted: 'Collection[str]' = ()) -> 'str'",
    "rows_of": "(self, statement: 'Executable | str') -> 'list[dict[str, Any]]'",
    "server": "property -> str",
    "table_bytes": "(self, names: 'Collection[str]') -> 'Mapping[str, int]'",
    "target": "property -> Target",
    "transaction": "(self) -> 'Iterator[Connection]'",
    "transactional_ddl": "False",
    "translate": "(self, error: 'SQLAlchemyError') -> 'DatakitError'",
    "translating": "(self) -> 'Iterator[None]'",
    "upkeep": "(self, table: 'Table') -> 'Upkeep'",
    "values_that_change": "(self, difference: 'Difference') -> 'int'",
    "write_csv": "(self, query: 'str', file: 'BinaryIO') -> 'None'",
    "write_rows": "(self, statement: 'Executable | str') -> 'list[dict[str, Any]]'",
}


def names_of(module: str) -> list[str]:
    """What a module says that it exports."""
    return sorted(import_module(module).__all__)


def signature(value: Any) -> str:
    """A signature as text; that of a model without how its fields are kept, which no caller writes."""
    found = inspect.signature(value)
    if isinstance(value, type) and issubclass(value, BaseModel):
        parameters = [
            each.replace(annotation=value.model_fields[name].annotation)
            for name, each in found.parameters.items()
        ]
        found = found.replace(parameters=parameters)
    return str(found)


def described(value: Any) -> str:
    """A public name's value in one line: how it is called, or what it is."""
    if isinstance(value, property):
        return f"property -> {inspect.signature(value.fget).return_annotation}"  # type: ignore[arg-type]
    if inspect.isroutine(value) or inspect.isclass(value):
        return signature(value)
    return repr(value)


def members_of(cls: type) -> dict[str, str]:
    """Each public member of a class, those it inherits included, in one line."""
    members = {name: value for base in reversed(cls.__mro__[:-1]) for name, value in vars(base).items()}
    return {name: described(value) for name, value in sorted(members.items()) if not name.startswith("_")}


@pytest.mark.parametrize("module", SURFACE)
def test_a_module_has_exactly_the_committed_names_and_signatures(module: str) -> None:
    found = import_module(module)
    assert {name: described(getattr(found, name)) for name in names_of(module)} == SURFACE[module]


def test_an_engine_has_exactly_the_committed_members() -> None:
    assert members_of(BaseEngine) == ENGINE


def test_a_change_of_a_signature_is_seen() -> None:
    class Before(BaseModel):
        a: int

        def act(self, given: int) -> None:
            """Do nothing."""

    class After(BaseModel):
        a: int = 1

        def act(self, given: int, more: int = 0) -> None:
            """Do nothing."""

    assert signature(Before) != signature(After)
    assert described(Before.act) != described(After.act)
