"""What a runner says when it is done: the run report."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

__all__ = ["CheckReport", "ErrorReport", "RunReport", "Status", "TableReport"]

Status = Literal["succeeded", "failed", "stopped"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TableReport(_Strict):
    """What happened to one table; every count is in rows."""

    table: str = Field(description="`schema.name`, or what the step calls it.")
    layer: str | None = Field(default=None, description="The layer that the datakit puts it into.")
    read: int | None = Field(default=None, ge=0, description="Rows offered to the table.")
    written: int | None = Field(default=None, ge=0, description="Rows that this run inserted or changed.")
    rejected: int | None = Field(default=None, ge=0, description="Rows that broke the table's contract.")
    bytes: int | None = Field(default=None, ge=0, description="Bytes read from a file or a stream.")
    seconds: float | None = Field(default=None, ge=0)
    reasons: dict[str, int] = Field(default={}, description="Rejected rows by reason.")
    new_columns: dict[str, str] = Field(
        default={},
        description="Columns that only the source has, each with a type that would hold it.",
    )


class CheckReport(_Strict):
    """What one check found."""

    name: str
    offending: int = Field(description="How many rows break it; 0 is good.")


class ErrorReport(_Strict):
    """Why a run did not succeed."""

    class_name: str = Field(description="The class of the error, such as `ContractError`.")
    message: str = Field(description="One line: what is wrong, and where. Never holds a secret.")
    hint: str | None = Field(default=None, description="One line: what to do about it.")
    retry: bool = Field(description="Whether the same run can succeed later.")


class RunReport(_Strict):
    """The end of one run."""

    run_id: UUID | None = Field(default=None, description="None when the specification could not be read.")
    runner: str
    datakit: str | None = None
    step: str | None = None
    target: str | None = Field(default=None, description="The target's name, never a password.")
    status: Status
    exit_code: int = Field(description="0 done; 64, 65 and 70 do not retry; 69 and 75 retry; 143 stopped.")
    repeated: bool = Field(
        default=False, description="Whether a run of this id had succeeded before, so nothing was done."
    )
    tables: list[TableReport] = []
    checks: list[CheckReport] = []
    bytes: int | None = Field(default=None, description="Bytes over all tables, where they are known.")
    watermark_from: AwareDatetime | None = Field(default=None, description="The window's start.")
    watermark_to: AwareDatetime | None = Field(default=None, description="The window's end.")
    started_at: AwareDatetime
    seconds: float = Field(ge=0)
    image_digest: str | None = None
    framework_version: str
    details: dict[str, JsonValue] = Field(default={}, description="What else the step tells.")
    error: ErrorReport | None = None


def report_schema() -> dict[str, Any]:
    """The JSON Schema of a run report."""
    return RunReport.model_json_schema(mode="serialization")
