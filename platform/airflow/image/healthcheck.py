#!/opt/datakit/bin/python -I
"""healthcheck [PART...]: whether the API server answers, and says that these parts are healthy.

The server is the one that AIRFLOW__CORE__EXECUTION_API_SERVER_URL names, or else this container's.

Parts are `scheduler`, `triggerer` and `dag_processor`; the database of Airflow itself always counts.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from urllib.parse import urljoin

SECONDS = 5
# Where a part that runs apart from the server finds it.
SERVER_VARIABLE = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"


def unhealthy(parts: list[str], answer: dict[str, dict[str, str | None]]) -> list[str]:
    """What is not healthy by the server's answer, each with the status that it gives."""
    asked = ["metadatabase", *parts]
    statuses = {part: answer.get(part, {}).get("status") for part in asked}
    return [f"{part}: {status or 'not there'}" for part, status in statuses.items() if status != "healthy"]


def main(parts: list[str]) -> str | None:
    """Asks the server; None when all is well, or else what is not."""
    here = f"http://127.0.0.1:{os.environ.get('AIRFLOW__API__PORT', '8080')}/"
    url = urljoin(os.environ.get(SERVER_VARIABLE) or here, "/api/v2/monitor/health")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=SECONDS) as response:
            answer = json.load(response)
    except (OSError, ValueError) as error:
        return f"{url}: {error}"
    return ", ".join(unhealthy(parts, answer)) or None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
