"""What the database images' entry points share: settings, init scripts, a server as the container's program.

Nothing but the standard library: it runs on the interpreter of the image alone.
"""

from __future__ import annotations

from .process import Stopped, TemporaryServer, become_init, say
from .scripts import InitScript, find_init_scripts
from .settings import SettingsError, secret

__all__ = [
    "InitScript",
    "SettingsError",
    "Stopped",
    "TemporaryServer",
    "become_init",
    "find_init_scripts",
    "say",
    "secret",
]
