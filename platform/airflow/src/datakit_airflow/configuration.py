"""Files that people write, read into typed models; every mistake is told with its file and its field."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlmodel_framework.errors import DeclarationError

__all__ = ["ConfigurationError", "Problem", "Strict", "parse_document", "read_document", "validated"]

SUFFIXES = (".yaml", ".yml", ".toml")

# The parser in C reads a file in a tenth of the time; not every build of the library has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Strict(BaseModel):
    """The base of everything that is read from a file: unknown fields are mistakes, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        place: the file that it is in.
        field: the field, as a path with dots; empty when it is about the whole file.
        message: what is wrong.
        hint: what to do about it.
    """

    place: str
    field: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        where = f"{self.place}: {self.field}" if self.field else self.place
        return f"{where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ConfigurationError(DeclarationError):
    """Files that say how datakits run in Airflow hold mistakes.

    Attributes:
        problems: each mistake.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        only = self.problems[0] if len(self.problems) == 1 else None
        hint = only.hint if only else None
        told = [str(replace(only, hint=None))] if only else [str(problem) for problem in self.problems]
        super().__init__("; ".join(told), hint=hint)


def read_document(path: Path) -> dict[str, Any]:
    """What a YAML or TOML file holds.

    Raises:
        ConfigurationError: it is not there, or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not UTF-8") from None
    except OSError as error:
        raise _unreadable(path, f"it cannot be read: {error.strerror}") from None
    return parse_document(text, path)


def parse_document(text: str, path: Path) -> dict[str, Any]:
    """What a text holds that belongs to a YAML or TOML file.

    Raises:
        ConfigurationError: it cannot be parsed.
    """
    if path.suffix not in SUFFIXES:
        raise _unreadable(path, f"its name ends in none of {', '.join(SUFFIXES)}", "name it by its format")
    try:
        content = tomllib.loads(text) if path.suffix == ".toml" else yaml.load(text, _Loader)  # noqa: S506
    except tomllib.TOMLDecodeError as error:
        raise _unreadable(path, f"not valid TOML: {error}") from None
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise _unreadable(path, f"{line}not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise _unreadable(path, f"not valid YAML: {error}") from None
    if not isinstance(content, dict):
        raise _unreadable(path, "it holds no fields", "write one field a line, such as dag_id: flights")
    return content


def validated(model: type[_Model], content: Mapping[str, Any], place: str) -> _Model:
    """The content of a file as a model.

    Raises:
        ConfigurationError: it does not fit; each mistake is a problem with its field.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise ConfigurationError(
            Problem(place, ".".join(map(str, one["loc"])), _message(one["msg"]), _hint(one["type"], model))
            for one in found
        ) from None


def _message(text: str) -> str:
    return text.removeprefix("Value error, ")


def _hint(kind: str, model: type[BaseModel]) -> str | None:
    if kind == "extra_forbidden":
        return f"the fields of the file are: {', '.join(sorted(model.model_fields))}"
    return "add it" if kind == "missing" else None


def _unreadable(path: Path, message: str, hint: str | None = None) -> ConfigurationError:
    return ConfigurationError([Problem(str(path), "", message, hint)])
