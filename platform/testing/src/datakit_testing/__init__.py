"""Containers for tests: images of the build, databases that are ready, a private network, nothing left.

A test target made by `integration_test` has the fixtures of `datakit_testing.plugin`; what they give is here.
"""

from __future__ import annotations

from .browser import Browser, BrowserError, Page, start_browser
from .containers import Container, Containers, Finished
from .databases import Database
from .docker_api import DockerApi
from .engine import ContainerError
from .images import Image, image_from_layout
from .readiness import NotReadyError, wait_until
from .running import RunResult

__all__ = [
    "Browser",
    "BrowserError",
    "Container",
    "ContainerError",
    "Containers",
    "Database",
    "DockerApi",
    "Finished",
    "Image",
    "NotReadyError",
    "Page",
    "RunResult",
    "image_from_layout",
    "start_browser",
    "wait_until",
]
