"""How a table that exists differs from the one that was declared."""

from __future__ import annotations

from .snapshot import TableShape


def differences(name: str, declared: TableShape, found: TableShape) -> list[str]:
    """One line for each difference, each naming the table; the order of columns does not matter."""
    if found.kind != "table":
        return [f"{name} is a {found.kind}, not a table"]
    lines = []
    for column, shape in declared.columns.items():
        there = found.columns.get(column)
        if there is None:
            lines.append(f"{name} lacks the column {column} ({shape.type})")
            continue
        if there.type != shape.type:
            lines.append(f"{name}.{column} is {there.type}, declared {shape.type}")
        if there.nullable != shape.nullable:
            is_, should = ("nullable", "NOT NULL") if there.nullable else ("NOT NULL", "nullable")
            lines.append(f"{name}.{column} is {is_}, declared {should}")
    lines += [f"{name} has the column {c}, not declared" for c in found.columns if c not in declared.columns]
    if declared.primary_key != found.primary_key:
        is_key, should_key = (
            f"({', '.join(key)})" if key else "none" for key in (found.primary_key, declared.primary_key)
        )
        lines.append(f"{name}: the primary key is {is_key}, declared {should_key}")
    return lines
