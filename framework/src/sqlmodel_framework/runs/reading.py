"""Read a run specification, JSON or YAML; a mistake is told with its line and its field."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..errors import SpecError
from .spec import RunSpec

if TYPE_CHECKING:
    import yaml

__all__ = ["SPEC_VARIABLE", "parse_spec", "read_spec"]

SPEC_VARIABLE = "DATAKIT_RUN_SPEC"

# A text of aliases to aliases means far more than it holds.
_MOST_VALUES = 100_000

_Path = tuple[str, ...]


def read_spec(path: Path | None) -> RunSpec:
    """Read a specification from a file, or from the variable `DATAKIT_RUN_SPEC`.

    Args:
        path: the file; None for the variable.

    Raises:
        SpecError: there is none, or it cannot be read.
    """
    if path is None:
        text = os.environ.get(SPEC_VARIABLE)
        if text is None:
            raise SpecError("there is no run specification", hint=f"give --spec FILE, or set {SPEC_VARIABLE}")
        return parse_spec(text, SPEC_VARIABLE)
    try:
        return parse_spec(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{path} cannot be read: it is not UTF-8") from None


def parse_spec(text: str, place: str) -> RunSpec:
    """Parse a specification.

    Args:
        text: JSON or YAML.
        place: what messages call it.

    Raises:
        SpecError: it is not valid; the message names line and field.
    """
    lines: dict[_Path, int] = {}
    content = _json(text, place) if text.lstrip().startswith("{") else None
    try:
        parsed = _yaml(text, place, lines)
    except SpecError:
        # Not all JSON is YAML: an indentation by tabs is not.
        if content is None:
            raise
    else:
        content = parsed if content is None else content
    if not isinstance(content, dict):
        raise SpecError(f"{place}: a run specification is a mapping, such as run_id: ...")
    try:
        return RunSpec.model_validate(content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        # A name that is mistyped explains the one that is missing.
        found.sort(key=lambda one: one["type"] != "extra_forbidden")
        raise SpecError(_told(place, found[0], lines)) from None


def _json(text: str, place: str) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        for name in (names := [name for name, _ in pairs]):
            if names.count(name) > 1:
                raise SpecError(f"{place}: {name} is given twice")
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise SpecError(f"{place}: line {error.lineno}: not valid JSON: {error.msg}") from None
    except RecursionError:
        raise _too_deep(place) from None


def _yaml(text: str, place: str, lines: dict[_Path, int]) -> Any:
    """What a YAML text holds; `lines` gets the line of each value by its path."""
    import yaml

    try:
        node = yaml.compose(text, yaml.SafeLoader)
        return None if node is None else _plain(node, (), lines, place)
    except RecursionError:
        raise _too_deep(place) from None
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise SpecError(f"{place}:{line} neither JSON nor YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{place}: neither JSON nor YAML: {error}") from None


def _too_deep(place: str) -> SpecError:
    return SpecError(f"{place}: values are nested too deeply, or in themselves")


def _plain(node: yaml.Node, path: _Path, lines: dict[_Path, int], place: str) -> Any:
    """A node's content, with texts as they stand: pydantic knows what they should be."""
    import yaml

    line = node.start_mark.line + 1
    lines[path] = line
    if len(lines) > _MOST_VALUES:
        raise SpecError(f"{place}: line {line}: there are more than {_MOST_VALUES:,} values")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, str(n)), lines, place) for n, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        tag = node.tag.rpartition(":")[2]
        # A date becomes a text again, so that it means the same in JSON and in YAML.
        if tag in ("str", "timestamp"):
            return node.value
        try:
            return yaml.SafeLoader("").construct_object(node)
        except ValueError:
            field = f" {'.'.join(path)}:" if path else ""
            raise SpecError(f"{place}: line {line}:{field} {node.value!r} is no {tag}") from None
    content: dict[str, Any] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise SpecError(f"{place}: line {line}: a field's name is a text")
        name = str(key.value)
        if name in content:
            raise SpecError(f"{place}: line {line}: {'.'.join((*path, name))} is given twice")
        content[name] = _plain(value, (*path, name), lines, place)
        lines[(*path, name)] = line
    return content


def _told(place: str, error: Mapping[str, Any], lines: Mapping[_Path, int]) -> str:
    path = tuple(str(part) for part in error["loc"])
    known = path
    while known and known not in lines:
        known = known[:-1]
    line = f" line {lines[known]}:" if known in lines else ""
    message = str(error["msg"]).removeprefix("Value error, ")
    field = f" {'.'.join(path)}:" if path else ""
    return f"{place}:{line}{field} {message}"
