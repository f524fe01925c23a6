"""Ask a master whether it is there, before Spark does, which would try for a minute and say little."""

from __future__ import annotations

import socket

from sqlmodel_framework.errors import UnavailableError

from .settings import Master

__all__ = ["own_address"]


def own_address(master: Master, *, seconds: float = 10.0) -> str | None:
    """This machine's address as the master's network knows it; None for a master in this process.

    Args:
        master: who is asked.
        seconds: how long for each of its places.

    Raises:
        UnavailableError: nobody answers at any of its places.
    """
    reasons = []
    for place in master.places:
        try:
            with socket.create_connection(place, timeout=seconds) as connection:
                address: str = connection.getsockname()[0]
                return address
        except OSError as error:
            reasons.append(f"{place[0]}:{place[1]}: {error.strerror or error}")
    if reasons:
        raise UnavailableError(f"the master {master.url} cannot be reached: {'; '.join(reasons)}")
    return None
