"""`python -m browser_server [OPTIONS]`: what the image runs, a browser driven over the DevTools protocol."""

from __future__ import annotations

import signal
import sys

from database_server.process import become_init

from .forwarding import forwarding

PORT = 9222
_INNER_PORT = 9223

COMMAND = (
    "/usr/lib/chromium/chromium-headless-shell",
    # Its own sandbox wants rights that a container does not have: the container is the sandbox.
    "--no-sandbox",
    # A container's /dev/shm is small; /tmp is in memory too.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--user-data-dir=/tmp/chromium",
    f"--remote-debugging-port={_INNER_PORT}",
    # It talks to nobody but the pages that it is told to open.
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
    # The same picture on every machine.
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--lang=en-GB",
)


def main(options: list[str]) -> int:
    """Runs the browser to its end and returns its exit code.

    Args:
        options: more options of Chromium.
    """
    signals: dict[int, int] = {signal.SIGTERM: signal.SIGTERM, signal.SIGINT: signal.SIGTERM}
    with forwarding(PORT, _INNER_PORT):
        return become_init([*COMMAND, *options], signals)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
