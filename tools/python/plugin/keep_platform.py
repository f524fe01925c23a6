"""A pytest plugin: the standard library's module `platform` stays what it is beside a folder of that name.

For a test below such a folder pytest would put an empty package in the place of a module that is no package.
"""

from __future__ import annotations

import platform

__all__: list[str] = []

platform.__path__ = ["platform"]
