"""Why no safe connection came about, where the driver does not say.

FreeTDS has one message for a certificate that nobody vouches for, for one of another host, and for a server
that does not encrypt: "Adaptive Server connection failed". So the first words of the protocol, in which
both sides agree about encryption, are said once more, up to the certificate. Nothing secret is sent.
"""

from __future__ import annotations

import socket
import ssl
import struct

from .settings import SourceSettings

__all__ = ["CERTIFICATE_HINT", "why_refused"]

_PRE_LOGIN = 0x12
_LAST_PACKET = 0x01
_ENCRYPT_ON = 1
_ENCRYPT_NOT_SUPPORTED = 2
_LONGEST_PACKET = 4096
_HEADER = 8


_NO_ENCRYPTION = (
    "the server does not encrypt, and the password is not sent in the clear",
    "let the server encrypt; encrypt=no sends everything in the clear",
)
CERTIFICATE_HINT = (
    "name the authority's file by the option ca_file, and the server as its certificate does; "
    "trust_server_certificate=yes checks nothing"
)


def why_refused(settings: SourceSettings) -> tuple[str, str] | None:
    """The reason in words and what to do about it, or None where there is none to be found."""
    if settings.port is None or settings.encrypt == "no":
        return None
    try:
        with socket.create_connection(
            (settings.host, settings.port), timeout=settings.login_timeout
        ) as connection:
            return _refusal(connection, settings)
    except (OSError, ValueError, struct.error):
        return None


def _refusal(connection: socket.socket, settings: SourceSettings) -> tuple[str, str] | None:
    _send(connection, _pre_login(_ENCRYPT_ON))
    if _encryption(_receive(connection)) == _ENCRYPT_NOT_SUPPORTED:
        return _NO_ENCRYPTION
    if settings.trust_server_certificate:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca_file and str(settings.ca_file))
    except ssl.SSLError:
        return f"{settings.ca_file} holds no certificate of an authority", CERTIFICATE_HINT
    # Before version 8 of the protocol TLS is wrapped in its packets, and 1.3 does not go through.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=settings.host)
    while True:
        try:
            tls.do_handshake()
            return None
        except ssl.SSLWantReadError:
            _send(connection, outgoing.read())
            incoming.write(_receive(connection))
        except ssl.SSLCertVerificationError as error:
            reason = error.verify_message.rstrip(".")
            return f"the server's certificate is not trusted: {reason}", CERTIFICATE_HINT
        except ssl.SSLError as error:
            return f"TLS does not come about: {error.reason or error}", CERTIFICATE_HINT


def _pre_login(encryption: int) -> bytes:
    """The message with which a client, or a server, says what it is and whether it encrypts."""
    version, choice = struct.pack(">BBHH", 9, 0, 0, 0), bytes([encryption])
    # A table of options, each with its place and length, that ends with 0xff; then their values.
    table = struct.pack(">BHHBHHB", 0, 11, len(version), 1, 11 + len(version), len(choice), 0xFF)
    return table + version + choice


def _encryption(message: bytes) -> int:
    for start in range(0, len(message), 5):
        if message[start] == 0xFF:
            break
        kind, offset, length = struct.unpack_from(">BHH", message, start)
        if kind == 1 and length:
            return int(message[offset])
    return _ENCRYPT_NOT_SUPPORTED


def _send(connection: socket.socket, content: bytes) -> None:
    room = _LONGEST_PACKET - _HEADER
    pieces = [content[start : start + room] for start in range(0, len(content), room)]
    for number, piece in enumerate(pieces, 1):
        status = _LAST_PACKET if number == len(pieces) else 0
        header = struct.pack(">BBHHBB", _PRE_LOGIN, status, _HEADER + len(piece), 0, number % 256, 0)
        connection.sendall(header + piece)


def _receive(connection: socket.socket) -> bytes:
    """The content of one packet."""
    header = _exactly(connection, _HEADER)
    return _exactly(connection, int.from_bytes(header[2:4], "big") - _HEADER)


def _exactly(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        piece = connection.recv(count - len(content))
        if not piece:
            raise ConnectionResetError("the server hung up")
        content += piece
    return content
