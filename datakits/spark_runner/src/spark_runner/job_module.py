"""Find a job's function, and bring its module to the executors."""

from __future__ import annotations

import sys
import sysconfig
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmodel_framework.errors import DatakitError, TerminalError

if TYPE_CHECKING:
    from pyspark import SparkContext

__all__ = ["Job", "JobFunction", "find_job", "ship"]

JobFunction = Callable[[Any], object]
"""Takes a `JobContext`."""


@dataclass(frozen=True)
class Job:
    """A function of a module.

    Attributes:
        name: `module:function`.
        function: the function.
        file: the module's file.
    """

    name: str
    function: JobFunction
    file: str


def find_job(name: str) -> Job:
    """The function that `module:function` names.

    Raises:
        TerminalError: there is no such module or function, or the module cannot be imported.
    """
    module_name, _, function_name = name.partition(":")
    try:
        module = import_module(module_name)
    except DatakitError:
        raise
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise TerminalError(
                f"there is no module {module_name!r}, which the parameter 'job' names",
                hint=f"Python looks in: {', '.join(filter(None, sys.path))}",
            ) from None
        raise TerminalError(
            f"the job's module {module_name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        found = "there is none" if function is None else f"it is a {type(function).__name__}"
        raise TerminalError(f"the module {module_name!r} has no function {function_name!r}: {found}")
    return Job(name, function, module.__file__ or "")


def ship(job: Job, context: SparkContext, folder: Path) -> None:
    """Bring the module, or the package that it is in, to the executors, unless their image has it.

    What it imports from elsewhere has to be on the executors already.

    Args:
        job: the job.
        context: of the application.
        folder: where an archive can lie until the application's end; executors fetch it when they need it.
    """
    top = sys.modules[job.name.partition(":")[0].partition(".")[0]]
    places = [Path(place) for place in getattr(top, "__path__", [])] or [Path(top.__file__ or "")]
    installed = {Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")}
    if all(any(place.resolve().is_relative_to(folder) for folder in installed) for place in places):
        return
    archive = folder / f"{top.__name__}.zip"
    # In an image files are of 1970, which an archive cannot say.
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as file:
        for place in places:
            for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
                if path.is_file() and "__pycache__" not in path.parts:
                    file.write(path, path.relative_to(place.parent))
    context.addPyFile(str(archive))
