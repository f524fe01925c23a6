"""What differs between a batch of a source and the rows of the same keys that the table has."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Difference", "difference", "has_exact_text", "last_key"]


@dataclass(frozen=True)
class Difference:
    """Rows that the table has not, or has otherwise, and the keys that only the table has."""

    changed: pa.RecordBatch
    gone: list[int]


def has_exact_text(type_: pa.DataType) -> bool:
    """Whether texts of two values are the same only where the values are.

    Args:
        type_: of the values, as the source has them.
    """
    from pyarrow import types

    exact: bool = (
        types.is_integer(type_)
        or types.is_floating(type_)
        or types.is_boolean(type_)
        or types.is_string(type_)
        or types.is_large_string(type_)
        or types.is_date(type_)
        or types.is_timestamp(type_)
    )
    return exact


def last_key(keys: pa.Array, before: int | None) -> int | None:
    """The last of these keys, or None where they do not all come after one another.

    Args:
        keys: whole numbers.
        before: a number that they have to come after.
    """
    from pyarrow import compute

    if keys.null_count:
        return None
    first: int = keys[0].as_py()
    if before is not None and first <= before:
        return None
    ascends = compute.all(compute.greater(keys[1:], keys[:-1])).as_py()
    last: int = keys[-1].as_py()
    return last if ascends is not False else None


def difference(batch: pa.RecordBatch, data: bytes, key: str, wants_gone: bool) -> Difference:
    """The rows of a batch that the table has not, or has otherwise, and the keys that only the table has.

    Args:
        batch: with ascending keys.
        data: the table's rows up to the batch's last key, as CSV.
        key: the name of the key.
        wants_gone: whether anybody asks for those keys.
    """
    import pyarrow as pa
    from pyarrow import compute

    try:
        there = _parsed(data, batch.schema, batch.schema.names)
    except pa.ArrowInvalid:
        # The table has a value that Arrow has no word for, such as an infinite time.
        there = _parsed(data, batch.schema, [key])
    keys, their_keys = batch.column(key), there.column(key).combine_chunks()
    gone: list[int] = []
    if not keys.equals(their_keys):
        if wants_gone:
            lacking = compute.invert(compute.is_in(their_keys, value_set=keys))
            gone = their_keys.filter(lacking).to_pylist()
        there = there.take(compute.index_in(keys, value_set=their_keys))
    if there.num_columns < batch.num_columns:
        return Difference(batch, gone)
    same = None
    for name in [key, *(name for name in batch.schema.names if name != key)]:
        ours, theirs = batch.column(name), there.column(name).combine_chunks()
        equal = compute.equal(ours, theirs)
        if pa.types.is_floating(ours.type):
            equal = compute.or_kleene(equal, compute.and_(compute.is_nan(ours), compute.is_nan(theirs)))
        if equal.null_count:
            both = compute.and_(compute.is_null(ours), compute.is_null(theirs))
            equal = compute.coalesce(equal, both)
        same = equal if same is None else compute.and_(same, equal)
    return Difference(batch.filter(compute.invert(same)), gone)


def _parsed(data: bytes, schema: pa.Schema, wanted: list[str]) -> pa.Table:
    from pyarrow import csv

    if not data:
        return schema.empty_table().select(wanted)
    return csv.read_csv(
        BytesIO(data),
        read_options=csv.ReadOptions(column_names=schema.names, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            include_columns=wanted,
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
