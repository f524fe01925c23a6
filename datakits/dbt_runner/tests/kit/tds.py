"""The beginning of a SQL Server: as far as a client says whether it encrypts, and logs in."""

from __future__ import annotations

import socket
import struct
import threading

PRE_LOGIN, LOGIN, REPLY = 0x12, 0x10, 0x04
ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED = 1, 2
_TLS_HANDSHAKE = 0x16


class Listener:
    """Answers the first message of each client, and keeps what comes then.

    Args:
        encryption: what it says of itself: `ENCRYPT_ON` or `ENCRYPT_NOT_SUPPORTED`.

    Attributes:
        logins: the login messages that came, in the clear.
        handshakes: how often a client began with TLS.
    """

    def __init__(self, encryption: int) -> None:
        self.logins: list[bytes] = []
        self.handshakes = 0
        self._encryption = encryption
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        kind, _ = self._receive(connection)
        assert kind == PRE_LOGIN
        table = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
        content = table + bytes([15, 0, 0, 0, 0, 0, self._encryption])
        connection.sendall(struct.pack(">BBHHBB", REPLY, 1, len(content) + 8, 0, 1, 0) + content)
        kind, content = self._receive(connection)
        if kind == LOGIN:
            self.logins.append(content)
        elif kind == PRE_LOGIN and content[:1] == bytes([_TLS_HANDSHAKE]):
            self.handshakes += 1

    def _receive(self, connection: socket.socket) -> tuple[int, bytes]:
        """One packet: its kind and its content; nothing where the client hung up."""
        header = connection.recv(8, socket.MSG_WAITALL)
        if len(header) < 8:
            return 0, b""
        return header[0], connection.recv(int.from_bytes(header[2:4], "big") - 8, socket.MSG_WAITALL)
