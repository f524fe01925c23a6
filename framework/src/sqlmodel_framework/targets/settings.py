"""Settings: the environment over `datakit.toml`.

    # datakit.toml, in the current folder or one above it
    target = "local"                # the target when none is named

    [targets.local]
    url = "postgresql://me@localhost/flights"
    password_env = "FLIGHTS_PASSWORD"

    [groups]
    everywhere = ["local", "remote"]    # targets, for commands that take several

`DATAKIT_TARGET`, `DATAKIT_TARGETS__LOCAL__URL` and `DATAKIT_GROUPS` in the environment win over the file.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from sqlalchemy.engine import URL

from ..errors import TargetError
from .target import LONGEST_TIME, MOST_CONNECTIONS, Target
from .tls import TlsMode
from .url import SAFE_WAYS, SECRET_OPTIONS, has_password, parse_url

__all__ = ["Settings", "TargetSettings", "read_settings", "resolve_target", "resolve_targets"]

FILE_NAME = "datakit.toml"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_NAME_RULE = "use lower-case letters, digits, - and _, and start with a letter"

_Seconds = Annotated[float, Field(gt=0, le=LONGEST_TIME, allow_inf_nan=False)]


class TargetSettings(BaseModel):
    """One target, as `datakit.toml` or the environment describes it; see `Target`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: str = Field(repr=False)
    password_env: str | None = None
    password_file: Path | None = None
    connect_timeout: int = Field(default=10, gt=0, le=LONGEST_TIME)
    lock_timeout: _Seconds = 10.0
    statement_timeout: _Seconds | None = None
    tls: TlsMode | None = None
    tls_ca: Path | None = None
    pool_size: int = Field(default=5, ge=1, le=MOST_CONNECTIONS)
    pool_overflow: int = Field(default=5, ge=0, le=MOST_CONNECTIONS)
    pool_lifetime: _Seconds = 1800.0
    pool_timeout: _Seconds = 30.0
    options: dict[str, str] = Field(default={}, repr=False)


class Settings(BaseSettings):
    """The default target's name, every target by name, and the groups of targets by theirs."""

    model_config = SettingsConfigDict(
        env_prefix="DATAKIT_", env_nested_delimiter="__", extra="ignore", hide_input_in_errors=True
    )

    target: str | None = None
    targets: dict[str, TargetSettings] = {}
    groups: dict[str, tuple[str, ...]] = {}
    file: Path | None = Field(default=None, init=False, exclude=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is in the environment wins over what is given, which is what the file holds."""
        assert isinstance(init_settings, InitSettingsSource)
        return env_settings, init_settings

    def find(self, name: str) -> Target:
        """The target of that name.

        Raises:
            TargetError: there is none, and the message lists those that there are; or its URL cannot
                be read.
        """
        found = self.targets.get(name)
        if found is None and name in self.groups:
            raise TargetError(
                f"{name!r} is a group of targets, and one target is asked for",
                hint=f"name one of {', '.join(self.groups[name])}",
            )
        if found is None:
            raise TargetError(f"there is no target {name!r}", hint=self._hint(name), target=name)
        try:
            url = parse_url(found.url)
        except TargetError as error:
            raise TargetError(f"targets.{name}.url: {error.message}", hint=error.hint, target=name) from None
        files = {
            "password_file": self._beside_file(found.password_file),
            "tls_ca": self._beside_file(found.tls_ca),
        }
        return Target(url, name=name, **(found.model_dump(exclude={"url"}) | files))

    def members(self, name: str) -> tuple[str, ...]:
        """The names of a group's targets, in their order; of a target, its own."""
        return self.groups.get(name, (name,))

    def check_groups(self) -> None:
        """Refuse a group that cannot be meant.

        Raises:
            TargetError: a group has the name of a target, no member, or a member that is no target.
        """
        for name, members in self.groups.items():
            if name in self.targets:
                raise TargetError(
                    f"{name!r} is the name of a target and of a group",
                    hint="give one of them another name",
                )
            if not members:
                raise TargetError(f"groups.{name} has no member", hint="name targets, or drop it")
            for member in members:
                if member not in self.targets:
                    raise TargetError(
                        f"groups.{name}: there is no target {member!r}",
                        hint=self._hint(member),
                        target=member,
                    )

    def _beside_file(self, path: Path | None) -> Path | None:
        if path is None:
            return None
        path = path.expanduser()
        return path if self.file is None else self.file.parent / path

    def _hint(self, name: str) -> str:
        where = f"in {self.file}" if self.file else f"in a {FILE_NAME} here or above, or in the environment"
        if not self.targets:
            return f"no target is named {where}"
        near = difflib.get_close_matches(name, self.targets, n=1)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        return f"named are: {', '.join(sorted(self.targets))}{guess}"


def read_settings(start: Path | None = None) -> Settings:
    """Read the settings of a folder: the environment over the nearest `datakit.toml`.

    Args:
        start: the folder to look in first, then in those above it; the current one by default.

    Raises:
        TargetError: the file cannot be read, or holds something unknown or a password.
    """
    path = _nearest_file((start or Path.cwd()).resolve())
    content = _read_file(path) if path else {}
    try:
        settings = Settings(**content)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        # A name that was mistyped says more than that the right one is missing.
        first = min(found, key=lambda one: one["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"])
        place = f"{path} (with the environment over it)" if path else "the environment (DATAKIT_...)"
        raise TargetError(f"{place}: {key}: {first['msg']}") from None
    except SettingsError as error:
        raise TargetError(f"the environment (DATAKIT_...): {error}", hint="it must hold JSON") from None
    settings.file = path
    settings.check_groups()
    return settings


def resolve_target(target: Target | URL | str) -> Target:
    """A target from what a caller has: itself, a database URL, or a name.

    Raises:
        TargetError: the URL cannot be read, or there is no target of that name.
    """
    if isinstance(target, Target):
        return target
    if isinstance(target, URL):
        return Target(target)
    if not isinstance(target, str):
        raise TargetError(f"a target is a Target, a database URL or a name, not a {type(target).__name__}")
    return Target(target) if "://" in target else read_settings().find(target)


def resolve_targets(targets: Iterable[Target | URL | str]) -> tuple[Target, ...]:
    """Targets from what a caller has: as `resolve_target`, and a group's name stands for its members.

    They keep their order, and what comes again is dropped.

    Raises:
        TargetError: as `resolve_target`; or there is none at all.
    """
    found: dict[object, Target] = {}
    for each in targets:
        if isinstance(each, str) and "://" not in each:
            settings = read_settings()
            for name in settings.members(each):
                if name not in found:
                    found[name] = settings.find(name)
        else:
            target = resolve_target(each)
            found.setdefault(target if isinstance(each, Target) else target.url, target)
    if not found:
        raise TargetError("no target is given", hint="name one, or a group of them")
    return tuple(found.values())


def _nearest_file(start: Path) -> Path | None:
    for folder in (start, *start.parents):
        path = folder / FILE_NAME
        if path.is_file():
            return path
    return None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TargetError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"{path} is not valid TOML: {error}") from None
    unknown = sorted(set(content) - {"target", "targets", "groups"})
    if unknown:
        raise TargetError(f"{path}: unknown key {unknown[0]!r}", hint="known are: target, targets, groups")
    groups = content.get("groups")
    for name in groups if isinstance(groups, dict) else ():
        if not _NAME.fullmatch(name):
            raise TargetError(f"{path}: a group cannot be called {name!r}", hint=_NAME_RULE)
    targets = content.get("targets")
    for name, found in targets.items() if isinstance(targets, dict) else ():
        if not _NAME.fullmatch(name):
            raise TargetError(f"{path}: a target cannot be called {name!r}", hint=_NAME_RULE)
        if not isinstance(found, dict):
            continue
        url, options = found.get("url"), found.get("options")
        if isinstance(url, str) and has_password(url):
            raise TargetError(f"{path}: targets.{name}.url holds a password", hint=SAFE_WAYS, target=name)
        if isinstance(options, dict) and not SECRET_OPTIONS.isdisjoint(options):
            raise TargetError(f"{path}: targets.{name}.options holds a password", hint=SAFE_WAYS, target=name)
    return content
