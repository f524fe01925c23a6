"""Connections go on to a port of this machine, in both directions."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from browser_server.forwarding import forwarding


@pytest.fixture
def echo() -> Iterator[int]:
    """A port on 127.0.0.1 where one caller's words come back in capitals."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            with suppress(OSError):  # it is closed before anybody called
                connection, _ = server.accept()
                with connection:
                    while data := connection.recv(1 << 16):
                        connection.sendall(data.upper())

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


def test_what_is_said_arrives_and_so_does_the_answer(echo: int) -> None:
    said = b"apples" * 100_000
    with forwarding(0, echo) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        threading.Thread(target=caller.sendall, args=(said,)).start()
        heard = b""
        while len(heard) < len(said):
            heard += caller.recv(1 << 16)
    assert heard == said.upper()


def test_a_call_to_nobody_is_hung_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = server.getsockname()[1]
    with forwarding(0, nobody) as port, socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        assert caller.recv(1) == b""


def test_a_port_that_is_taken_is_refused(echo: int) -> None:
    with pytest.raises(OSError, match="in use"), forwarding(echo, echo):
        pass


def test_nobody_listens_afterwards(echo: int) -> None:
    with forwarding(0, echo) as port:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=10)
