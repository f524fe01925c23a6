"""`python -m postgres_server [OPTIONS | healthcheck | COMMAND ...]`: what the image runs.

Without arguments, or with options, it is the server; on a new volume, the database is made first.
`healthcheck` asks whether the server answers. Any other command is run in the server's place.
"""

from __future__ import annotations

import os
import sys

from database_server.process import end_on_sigterm

from .server import SettingsError, ask_health, serve


def main(arguments: list[str]) -> int:
    """Does what the arguments say and returns the exit code."""
    if arguments == ["healthcheck"]:
        return ask_health(os.environ)
    if arguments[:1] == ["postgres"]:
        arguments = arguments[1:]
    if arguments and not arguments[0].startswith("-"):
        os.execvp(arguments[0], arguments)  # noqa: S606 (there is no shell to want)
    end_on_sigterm()
    try:
        return serve(os.environ, arguments)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return os.EX_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
