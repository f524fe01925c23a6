"""The parameters of this runner's steps, read from a run specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)
from sqlmodel_framework.errors import TerminalError

__all__ = ["ExtractParameters", "JobParameters", "SparkParameters", "names", "read"]

Setting = StrictStr | StrictBool | StrictInt | StrictFloat
Name = Annotated[StrictStr, Field(min_length=1)]


class SparkParameters(BaseModel):
    """How Spark is started.

    Attributes:
        master: where it works: `local[N]`, `spark://HOST:PORT` or `k8s://https://HOST:PORT`; by default the
            variable SPARK_MASTER_URL, else `local[*]`.
        conf: Spark's own settings, by name.
        start_timeout: seconds to wait until Spark is up and an executor is there; likewise when all
            executors are lost later.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    master: Name | None = None
    conf: dict[str, Setting] = {}
    start_timeout: float = Field(default=120.0, gt=0, allow_inf_nan=False)


class ExtractParameters(SparkParameters):
    """How a table is read.

    Attributes:
        partition_column: a column of numbers, dates or timestamps, by whose ranges the table is cut; an
            object names one for each table of the source. Without it a table is read in one piece.
        partitions: the number of pieces.
        fetch_size: the rows that are asked of the source at a time.
    """

    partition_column: Name | dict[str, Name] | None = None
    partitions: StrictInt = Field(default=4, ge=1, le=100_000)
    fetch_size: StrictInt = Field(default=10_000, ge=1)

    def partition_column_of(self, table: str) -> str | None:
        """The column by which a table of the source is cut, or None."""
        column = self.partition_column
        return column.get(table) if isinstance(column, dict) else column


class JobParameters(SparkParameters):
    """What a job is.

    Attributes:
        job: `module:function`.
        arguments: what the job is told.
    """

    job: Annotated[StrictStr, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")]
    arguments: dict[str, JsonValue] = {}


Parameters = TypeVar("Parameters", bound=SparkParameters)


def names(model: type[SparkParameters]) -> frozenset[str]:
    """The names of the parameters that a model reads."""
    return frozenset(model.model_fields)


def read(model: type[Parameters], given: Mapping[str, JsonValue]) -> Parameters:
    """A step's parameters.

    Args:
        model: what the step takes.
        given: what the specification has; what belongs to others is passed over.

    Raises:
        TerminalError: one is missing or wrong; the message names it.
    """
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = first["loc"][0]
        if first["type"] == "missing":
            raise TerminalError(f"the parameter {name!r} is missing") from None
        raise TerminalError(
            f"the parameter {name!r} cannot be used: {first['msg']}", hint=_HINTS.get(str(name))
        ) from None


_HINTS = {
    "job": 'name a function of a module: "module:function"',
    "conf": 'write {"spark.executor.memory": "2g"}',
}
