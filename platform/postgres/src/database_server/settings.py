"""Settings from the environment, secrets from files too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

__all__ = ["SettingsError", "secret"]


class SettingsError(Exception):
    """A setting is missing or wrong; the text is for people, and never holds a secret."""


def secret(environment: Mapping[str, str], name: str) -> str | None:
    """The value of a variable, or the content of the file that `NAME_FILE` names; None without both.

    A line end at the end of a file does not count.

    Raises:
        SettingsError: both are set, the file cannot be read, or it holds no text.
    """
    value, file = environment.get(name), environment.get(f"{name}_FILE")
    if value is not None and file is not None:
        raise SettingsError(f"{name} and {name}_FILE are both set: one of them is enough")
    if file is None:
        return value
    try:
        content = Path(file).read_text()
    except OSError as error:
        raise SettingsError(f"{name}_FILE names {file}, which cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name}_FILE names {file}, which is not UTF-8 text") from error
    content = content.removesuffix("\n").removesuffix("\r")
    if not content:
        raise SettingsError(f"{name}_FILE names {file}, which is empty")
    return content
