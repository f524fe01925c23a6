#!/opt/datakit/bin/python -I
"""healthcheck [PART...]: whether this container's API server answers, and says that these parts are healthy.

Parts are `scheduler`, `triggerer` and `dag_processor`; the database of Airflow itself always counts.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request

SECONDS = 5


def unhealthy(parts: list[str], answer: dict[str, dict[str, str | None]]) -> list[str]:
    """What is not healthy by the server's answer, each with the status that it gives."""
    asked = ["metadatabase", *parts]
    statuses = {part: answer.get(part, {}).get("status") for part in asked}
    return [f"{part}: {status or 'not there'}" for part, status in statuses.items() if status != "healthy"]


def main(parts: list[str]) -> str | None:
    """Asks the server; None when all is well, or else what is not."""
    url = f"http://127.0.0.1:{os.environ.get('AIRFLOW__API__PORT', '8080')}/api/v2/monitor/health"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=SECONDS) as response:
            answer = json.load(response)
    except (OSError, ValueError) as error:
        return f"{url}: {error}"
    return ", ".join(unhealthy(parts, answer)) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
