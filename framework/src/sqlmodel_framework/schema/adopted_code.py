"""Typed classes for tables that are there: sqlacodegen's generator, made to say what a plan compares.

Types, imports and the order of things are sqlacodegen's. Defaults, keys, checks and indexes come from the
shapes, in the database's own words: a plan compares those, and sqlacodegen leaves some of them out, such as
the expressions of indexes. Every table is a class, also one that only links two others or has no primary key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sqlacodegen.generators import Base, LiteralImport, SQLModelGenerator
from sqlacodegen.models import ColumnAttribute, Model, ModelClass
from sqlacodegen.utils import render_callable
from sqlalchemy import ARRAY, Column, Connection, MetaData, Table
from sqlalchemy.types import TypeEngine

from ..base.fields import sql_type
from ..base.models import BaseMixin
from .adopted_enums import AdoptedEnums
from .adopted_names import class_name, field_name, free_name
from .adopted_parts import TableParts, escaped
from .adopted_types import python_type
from .existing import ExistingColumn, ExistingTable
from .rebuilding import counts_by_default
from .snapshot import ColumnShape, TableShape

__all__ = ["classes_for"]

_WIDTH = 100
_BASE = "Base"
_VALUES = "_values"
# Names that annotations and columns in a class's body stand on.
_IN_USE = frozenset({"bool", "bytes", "dict", "float", "int", "list", "str", "registry", "metadata"})


def classes_for(connection: Connection, tables: Mapping[str, ExistingTable], counting: str) -> str:
    """Python code with a class for each table.

    Args:
        connection: of the tables' database.
        tables: by full name.
        counting: what the identity of a column is that counts up by its type.
    """
    metadata = MetaData()
    existing: dict[str, ExistingTable] = {}
    for table in tables.values():
        columns = [
            Column(name, each.type, primary_key=name in table.shape.primary_key)
            for name, each in table.columns.items()
        ]
        made = Table(table.name, metadata, *columns, schema=table.schema)
        existing[made.key] = table
    return _Generator(metadata, connection, existing, counting).generate()


class _Generator(SQLModelGenerator):
    def __init__(
        self, metadata: MetaData, bind: Connection, existing: Mapping[str, ExistingTable], counting: str
    ) -> None:
        super().__init__(metadata, bind, (), base_class_name=_BASE)
        self.existing = existing
        self.counting = counting
        self.parts = TableParts(bind.dialect)
        self.enums = AdoptedEnums()

    def generate_base(self) -> None:
        self.base = Base(
            literal_imports=[
                LiteralImport("sqlalchemy", "Column"),
                LiteralImport("sqlalchemy.orm", "registry"),
                LiteralImport("sqlmodel", "Field"),
                LiteralImport("sqlmodel_framework", "BaseMixin"),
            ],
            declarations=[
                f"class {_BASE}(BaseMixin, registry=registry()):",
                f'{self.indentation}"""The base of these tables; it keeps them apart from all others."""',
            ],
            metadata_ref=f"{_BASE}.metadata",
        )

    def group_imports(self) -> list[list[str]]:
        """The imports, the standard library's first, each line no longer than it should be."""
        own = [f"import {module}" for module in sorted(self.module_imports)]
        groups: dict[bool, list[str]] = {True: own, False: []}
        for package, names in sorted(self.imports.items()):
            line = f"from {package} import {', '.join(sorted(names))}"
            if len(line) > _WIDTH:
                listed = "".join(f"{self.indentation}{name},\n" for name in sorted(names))
                line = f"from {package} import (\n{listed})"
            groups[package in self.stdlib_module_names].append(line)
        return [group for group in groups.values() if group]

    def fix_column_types(self, table: Table) -> None:
        """Choose the generic types; no check is taken for a type here, since it stays a check."""
        for column in table.columns:
            kind: Any = column.type
            if not _is_own_words(kind):
                column.type = self.get_adapted_type(kind)
            elif kind.like is not None:
                column.type = sql_type(kind.words, self.get_adapted_type(kind.like))

    def generate_models(self) -> list[Model]:
        tables = sorted(self.metadata.tables.values(), key=lambda table: (table.schema or "", table.name))
        models = [self.model(table) for table in tables]
        self.collect_imports(models)
        taken = {_BASE, _VALUES, *(name for names in self.imports.values() for name in names)}
        for model in models:
            short = class_name(model.table.name)
            longer = class_name(model.schema or "", model.table.name)
            model.name = free_name(short if short not in taken else longer, taken)
            taken.add(model.name)
        for model in models:
            self.enums.name(model.table, taken)
        if self.enums:
            self.add_module_import("enum")
        for model in models:
            self.name_fields(model, taken)
        return list(models)

    def model(self, table: Table) -> ModelClass:
        model = ModelClass(table)
        model.columns = [ColumnAttribute(model, column) for column in table.columns]
        return model

    def collect_imports(self, models: Iterable[Model]) -> None:
        for each in self.base.literal_imports:
            self.add_literal_import(each.pkgname, each.name)
        for model in models:
            existing = self.existing[model.table.key]
            for name in self.parts.imports(existing.shape):
                self.add_literal_import("sqlalchemy", name)
            for column in model.table.columns:
                self.collect_imports_for_column(column)
                shape = existing.shape.columns[column.name]
                for name, used in (
                    ("Computed", shape.generated is not None),
                    ("Identity", shape.identity in ("always", "by default")),
                    ("text", shape.default is not None),
                ):
                    if used:
                        self.add_literal_import("sqlalchemy", name)
                self.annotation(column, existing.columns[column.name])

    def collect_imports_for_column(self, column: Column[Any]) -> None:
        if _is_own_words(column.type):
            like: TypeEngine[Any] | None = getattr(column.type, "like", None)
            self.add_literal_import("sqlmodel_framework", "sql_type")
            if like is not None:
                super().collect_imports_for_column(Column("like", like))
        else:
            super().collect_imports_for_column(column)

    def name_fields(self, model: ModelClass, taken: set[str]) -> None:
        # A field that is called as what stands in the class's body would hide it from the next one.
        forbidden = {*_IN_USE, *taken, *self.module_imports, *dir(BaseMixin)}
        for attribute in model.columns:
            attribute.name = free_name(field_name(attribute.column.name), forbidden)
            forbidden.add(attribute.name)

    # What is written

    def render_module_variables(self, models: list[Model]) -> str:
        lines = list(self.base.declarations)
        if self.enums:
            lines += ["", "", f"def {_VALUES}(members: type[enum.Enum]) -> list[str]:"]
            lines += [
                f'{self.indentation}"""The database keeps the values of the members, not their names."""'
            ]
            lines += [f"{self.indentation}return [member.value for member in members]"]
        return "\n".join(lines)

    def render_enum_classes(self) -> str:
        return "\n\n\n".join(self.enums.render(self.indentation))

    def render_models(self, models: list[Model]) -> str:
        return "\n\n\n".join(self.render_class(model) for model in models if isinstance(model, ModelClass))

    def render_class(self, model: ModelClass) -> str:
        shape = self.existing[model.table.key].shape
        lines = [f"class {model.name}({_BASE}, table=True):", f"__tablename__ = {model.table.name!r}"]
        parts = self.parts.render(shape, model.schema)
        if parts:
            lines.append(f"__table_args__ = {parts}")
        if not shape.primary_key:
            # Rows must be told apart by something; the table itself stays without a key.
            names = {attribute.column.name: attribute.name for attribute in model.columns}
            key = [names[each] for each in _tells_apart(shape)]
            lines.append(f"__mapper_args__ = {{'primary_key': {key!r}}}")
        lines.append("")
        lines += [self.render_column_attribute(attribute) for attribute in model.columns]
        head, *body = lines
        indented = ("\n".join(body)).replace("\n", f"\n{self.indentation}")
        text = f"{head}\n{self.indentation}{indented}"
        return re.sub(r"(?m)^[ ]+$", "", text)

    def render_column_attribute(self, column_attr: ColumnAttribute) -> str:
        column = column_attr.column
        existing = self.existing[column.table.key]
        shape, known = existing.shape.columns[column.name], existing.columns[column.name]
        annotation = self.annotation(column, known)
        key = column.name in existing.shape.primary_key
        filled = shape.default is not None or shape.generated is not None or bool(shape.identity)
        if shape.nullable and not key:
            annotation += " | None"
        given: dict[str, Any] = {"default": None} if filled or (shape.nullable and not key) else {}
        length = getattr(known.like, "length", None)
        if annotation.startswith("str") and length is not None:
            given["max_length"] = length
        arguments, options = self.column_arguments(column_attr, shape, known)
        made = render_callable("Column", *arguments, kwargs=options)
        start = f"{column_attr.name}: {annotation} = "
        line = start + render_callable("Field", kwargs={**given, "sa_column": made})
        if len(line) <= _WIDTH:
            return line
        if len(made) > _WIDTH:
            inner = f"{self.indentation}{self.indentation}"
            made = render_callable("Column", *arguments, kwargs=options, indentation=inner)
            made = f"{made[:-1]}{self.indentation})"
        return start + render_callable(
            "Field", kwargs={**given, "sa_column": made}, indentation=self.indentation
        )

    def column_arguments(
        self, attribute: ColumnAttribute, shape: ColumnShape, known: ExistingColumn
    ) -> tuple[list[str], dict[str, Any]]:
        column = attribute.column
        table = self.existing[column.table.key].shape
        arguments = [] if attribute.name == column.name else [repr(column.name)]
        arguments.append(self.render_column_type(column))
        options: dict[str, Any] = {}
        if known.computed is not None:
            expression, stored = known.computed
            kept = {} if stored is None else {"persisted": stored}
            arguments.append(render_callable("Computed", repr(escaped(expression)), kwargs=kept))
        elif shape.identity in ("always", "by default"):
            arguments.append(render_callable("Identity", kwargs=_identity(shape, known.identity or {})))
        elif shape.default is not None:
            options["server_default"] = render_callable("text", repr(escaped(shape.default)))
        if column.name in table.primary_key:
            options = {"primary_key": True, **options}
            counts = bool(self.counting) and shape.identity == self.counting
            by_default = counts_by_default(column.name, column.type, table)
            if counts != by_default and not shape.identity.endswith(("always", "default")):
                options["autoincrement"] = counts
        elif not shape.nullable:
            options["nullable"] = False
        if shape.comment is not None:
            options["comment"] = repr(shape.comment)
        return arguments, options

    def render_column_type(self, column: Column[Any]) -> str:
        kind: Any = column.type
        if _is_own_words(kind):
            like = [] if kind.like is None else [super().render_column_type(Column("like", kind.like))]
            return render_callable("sql_type", repr(kind.words), *like)
        name = self.enums.class_of(column)
        if name is None:
            return str(super().render_column_type(column))
        enum = getattr(kind, "item_type", kind)
        options = {each: repr(value) for each in ("name", "schema") if (value := getattr(enum, each))}
        rendered = render_callable("Enum", name, kwargs={"values_callable": _VALUES, **options})
        if enum is kind:
            return rendered
        dimensions = {} if kind.dimensions is None else {"dimensions": kind.dimensions}
        return render_callable("ARRAY", rendered, kwargs=dimensions)

    def annotation(self, column: Column[Any], known: ExistingColumn) -> str:
        name = self.enums.class_of(column)
        if name is not None:
            return f"list[{name}]" if isinstance(column.type, ARRAY) else name
        text, module = python_type(known.like)
        if module == "typing":
            self.add_literal_import(module, text.removeprefix("list[").removesuffix("]"))
        elif module:
            self.add_module_import(module)
        return text


def _is_own_words(kind: TypeEngine[Any]) -> bool:
    return hasattr(kind, "words")


def _tells_apart(shape: TableShape) -> tuple[str, ...]:
    """The columns of a unique key without nulls, else all columns."""
    for columns in shape.uniques.values():
        if not any(shape.columns[each].nullable for each in columns):
            return columns
    return tuple(shape.columns)


def _identity(shape: ColumnShape, options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"always": True} if shape.identity == "always" else {}
    found |= {name: options[name] for name in ("start", "increment") if options.get(name, 1) != 1}
    return found | ({"cycle": True} if options.get("cycle") else {})
