"""Find a datakit by name: an entry point, or a module. The import path is never changed."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from ..errors import DatakitError, DatakitNotFoundError
from .datakit import Datakit

__all__ = ["datakit_in", "find_datakit", "installed_datakits"]

GROUP = "sqlmodel_framework.datakits"
ATTRIBUTE = "datakit"


def installed_datakits() -> list[str]:
    """The names of the datakits that are installed, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_datakit(datakit: Datakit | str) -> Datakit:
    """The datakit itself, or the one of that name.

    Args:
        datakit: a datakit; the name of an entry point in `sqlmodel_framework.datakits`; or the name
            of a module, whose attribute `datakit` is taken.

    Raises:
        DatakitNotFoundError: there is none of that name, or it cannot be imported.
    """
    if isinstance(datakit, Datakit):
        return datakit
    points = [point for point in entry_points(group=GROUP) if point.name == datakit]
    if len({point.value for point in points}) > 1:
        places = ", ".join(sorted(point.value for point in points))
        raise DatakitNotFoundError(
            f"several datakits called {datakit!r} are installed: {places}",
            hint="uninstall all but one, or name the module",
        )
    return _load(points[0]) if points else _import(datakit)


def datakit_in(folder: Path) -> Datakit:
    """The datakit of a package that is in a folder and need not be installed.

    Its modules are known to Python only while it is imported, so that one of the same name stays what it is.

    Args:
        folder: the package's, the one that holds its `__init__.py`.

    Raises:
        DatakitNotFoundError: it cannot be imported, or holds no datakit.
    """
    name = folder.name
    spec = spec_from_file_location(name, folder / "__init__.py", submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    hidden = _take_modules(name)
    try:
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    except DatakitError:
        raise
    except (Exception, SystemExit) as error:
        raise _unimportable(name, name, error) from error
    finally:
        _take_modules(name)
        sys.modules.update(hidden)
    return _checked(module, str(folder), name)


def _take_modules(package: str) -> dict[str, ModuleType]:
    """Take a package, and what is in it, out of what Python has imported."""
    names = [name for name in sys.modules if f"{name}.".startswith(f"{package}.")]
    return {name: sys.modules.pop(name) for name in names}


def _load(point: EntryPoint) -> Datakit:
    try:
        return _checked(point.load(), point.value, point.name)
    except DatakitError:
        raise
    except (Exception, SystemExit) as error:
        raise _unimportable(point.name, point.value, error) from error


def _import(name: str) -> Datakit:
    if not all(part.isidentifier() for part in name.split(".")):
        raise _unknown(name)
    try:
        module = import_module(name)
    except DatakitError:
        raise
    except (Exception, SystemExit) as error:
        # Its own absence means that there is no such datakit; any other one, that it is broken.
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            raise _unknown(name) from None
        raise _unimportable(name, name, error) from error
    return _checked(getattr(module, ATTRIBUTE, None), f"{name}:{ATTRIBUTE}", name)


def _checked(found: object, place: str, name: str) -> Datakit:
    if isinstance(found, Datakit):
        return found
    if isinstance(found, ModuleType):
        return _checked(getattr(found, ATTRIBUTE, None), f"{found.__name__}:{ATTRIBUTE}", name)
    raise DatakitNotFoundError(
        f"{name!r} is no datakit: {place} is {'missing' if found is None else f'a {type(found).__name__}'}",
        hint=f"define {ATTRIBUTE} = Datakit(...) there",
    )


def _unimportable(name: str, place: str, error: BaseException) -> DatakitNotFoundError:
    broken = _where(place, error)
    return DatakitNotFoundError(
        f"datakit {name!r} cannot be imported: {broken or place}: {type(error).__name__}: {error}"
    )


def _where(place: str, error: BaseException) -> str | None:
    """The module of the datakit's package that is broken, with the line."""
    package = place.partition(":")[0].partition(".")[0]
    found = None
    step = error.__traceback__
    while step is not None:
        module = step.tb_frame.f_globals.get("__name__", "")
        if f"{module}.".startswith(f"{package}."):
            found = f"{module}, line {step.tb_lineno}"
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        # It never became a module.
        return f"{error.filename}, line {error.lineno}"
    return found


def _unknown(name: str) -> DatakitNotFoundError:
    names = installed_datakits()
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        hint = f"did you mean {near[0]!r}? installed are: {', '.join(names)}"
    elif names:
        hint = f"installed are: {', '.join(names)}; the name of a module works too"
    else:
        hint = "none is installed; install one with pip, or give the name of a module"
    # Python passes over a folder that it may not read, without a word.
    unreadable = [
        place for place in sys.path if os.path.isdir(place) and not os.access(place, os.R_OK | os.X_OK)
    ]
    if unreadable:
        hint = f"this user cannot read {', '.join(unreadable)}, where Python looks for it"
    return DatakitNotFoundError(f"there is no datakit {name!r}", hint=hint)
