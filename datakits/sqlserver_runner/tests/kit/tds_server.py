"""A server that speaks enough TDS 7.4 for a real driver: pre-login, TLS, login, queries, attention.

It knows no SQL: a test says what each query returns, as types and values, and sees what came over the wire.
As a program it takes one JSON object and writes a line for each thing that it saw:

    {"port": 1433, "certificate": "/key-and-certificate.pem", "refusal": [18456, "Login failed."],
     "tables": {"goods": {"columns": [["code", "char(5)"]], "rows": [["tea  "]]}}, "silent": ["stock"]}
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED = 1, 2
BATCH, LOGIN7, PRE_LOGIN, REPLY, ATTENTION, TRANSACTION = 0x01, 0x10, 0x12, 0x04, 0x06, 0x0E
DONE, MORE, FAILED, COUNTED, ATTENDED = 0x00, 0x01, 0x02, 0x10, 0x20
_COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])


@dataclass(frozen=True)
class Type:
    """A type: how it is declared, and how a value that is no null is written."""

    declared: bytes
    write: Callable[[Any], bytes]
    null: bytes


def short(declared: bytes, write: Callable[[Any], bytes]) -> Type:
    """A type whose values have a length of one byte before them."""
    return Type(declared, lambda value: bytes([len(write(value))]) + write(value), b"\0")


def long(declared: bytes, write: Callable[[Any], bytes]) -> Type:
    """A type whose values have a length of two bytes before them."""
    return Type(
        declared, lambda value: struct.pack("<H", len(write(value))) + write(value), struct.pack("<H", 0xFFFF)
    )


def parts(declared: bytes, write: Callable[[Any], bytes]) -> Type:
    """A type whose values come in parts."""

    def whole(value: Any) -> bytes:
        content = write(value)
        pieces = [content[start : start + 3000] for start in range(0, len(content), 3000)]
        body = b"".join(struct.pack("<I", len(piece)) + piece for piece in pieces)
        return struct.pack("<Q", len(content)) + body + struct.pack("<I", 0)

    return Type(declared, whole, struct.pack("<Q", 0xFFFFFFFFFFFFFFFF))


def _utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def _decimal(value: tuple[bool, int]) -> bytes:
    negative, magnitude = value
    return bytes([not negative]) + magnitude.to_bytes(16, "little")


def _money(value: int) -> bytes:
    return struct.pack("<iI", value >> 32, value & 0xFFFFFFFF)


def _clock(value: tuple[int, ...]) -> bytes:
    """Tenths of a microsecond since midnight; then days since 0001-01-01; then minutes east of UTC."""
    ticks, *rest = value
    content = ticks.to_bytes(5, "little")
    if rest:
        content += rest[0].to_bytes(3, "little")
    if len(rest) > 1:
        content += struct.pack("<h", rest[1])
    return content


TYPES: dict[str, Type] = {
    "bit": short(b"\x68\x01", lambda value: bytes([value])),
    "tinyint": short(b"\x26\x01", lambda value: bytes([value])),
    "smallint": short(b"\x26\x02", lambda value: struct.pack("<h", value)),
    "int": short(b"\x26\x04", lambda value: struct.pack("<i", value)),
    "bigint": short(b"\x26\x08", lambda value: struct.pack("<q", value)),
    "real": short(b"\x6d\x04", lambda value: struct.pack("<f", value)),
    "float": short(b"\x6d\x08", lambda value: struct.pack("<d", value)),
    "money": short(b"\x6e\x08", _money),
    "decimal(38,10)": short(b"\x6c\x11\x26\x0a", _decimal),
    "datetime": short(b"\x6f\x08", lambda value: struct.pack("<iI", *value)),
    "smalldatetime": short(b"\x6f\x04", lambda value: struct.pack("<HH", *value)),
    "date": short(b"\x28", lambda value: value.to_bytes(3, "little")),
    "time(7)": short(b"\x29\x07", _clock),
    "datetime2(7)": short(b"\x2a\x07", _clock),
    "datetimeoffset(7)": short(b"\x2b\x07", _clock),
    "uniqueidentifier": short(b"\x24\x10", lambda value: value),
    "char(5)": long(b"\xaf" + struct.pack("<H", 5) + _COLLATION, lambda value: value.encode("cp1252")),
    "varchar(20)": long(b"\xa7" + struct.pack("<H", 20) + _COLLATION, lambda value: value.encode("cp1252")),
    "nchar(5)": long(b"\xef" + struct.pack("<H", 10) + _COLLATION, _utf16),
    "nvarchar(128)": long(b"\xe7" + struct.pack("<H", 256) + _COLLATION, _utf16),
    "nvarchar(max)": parts(b"\xe7" + struct.pack("<H", 0xFFFF) + _COLLATION, _utf16),
    "varbinary(20)": long(b"\xa5" + struct.pack("<H", 20), lambda value: value),
    "varbinary(max)": parts(b"\xa5" + struct.pack("<H", 0xFFFF), lambda value: value),
    "timestamp": long(b"\xad" + struct.pack("<H", 8), lambda value: value),
}


@dataclass(frozen=True)
class Rows:
    """What a query returns: columns as names and names of types, and rows of values."""

    columns: Sequence[tuple[str, str]]
    rows: Iterable[Sequence[Any]] = ()


@dataclass(frozen=True)
class Failure:
    """What a query, or a login, fails with: the server's number and text."""

    number: int
    text: str


@dataclass(frozen=True)
class Silence:
    """No answer, until the client has had enough of waiting."""


Answer = Rows | Failure | Silence | None


@dataclass
class Login:
    """What a client said of itself."""

    user: str
    password: str
    database: str
    application: str
    read_only: bool
    encrypted: bool


@dataclass
class Seen:
    """What came over the wire."""

    content: bytearray = field(default_factory=bytearray)
    logins: list[Login] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    attentions: int = 0

    @property
    def obscured(self) -> bytes:
        """What came, as if all of it were a password of the login message, which is only obscured."""
        return bytes(_plain(byte) for byte in self.content)


def _plain(byte: int) -> int:
    byte ^= 0xA5
    return (byte >> 4) | ((byte & 0x0F) << 4)


def about_itself(sql: str, types: Sequence[str] = (), *, snapshots: bool = True) -> Answer:
    """What a server says of itself, and of the types of a query's columns; None to anything else."""
    if "snapshot_isolation_state" in sql:
        return Rows([("snapshot_isolation_state", "tinyint")], [[int(snapshots)]])
    if "dm_exec_describe_first_result_set" in sql:
        described = [[place, kind] for place, kind in enumerate(types, 1)]
        return Rows([("column_ordinal", "int"), ("system_type_name", "nvarchar(128)")], described)
    # What SQLAlchemy asks.
    for words, value in (
        ("ProductVersion", "16.0.1000.6"),
        ("schema_name()", "dbo"),
        ("sys.system_views", "dm_exec_sessions"),
        ("sys.dm_exec_sessions", "READ COMMITTED"),
        ("test max support", "test max support"),
        ("fn_listextendedproperty", "1"),
    ):
        if words in sql:
            return Rows([("", "nvarchar(128)")], [[value]])
    return None


class TdsServer:
    """Listens on a port of this machine from its making on, in threads of its own, until `close`.

    Args:
        certificate: a file with key and certificate; without one, nothing is encrypted.
        refusal: what every login fails with.
        answer: what a query returns; None is success without rows.
        host: where to listen.
        port: likewise; 0 for a free one.
    """

    def __init__(
        self,
        *,
        certificate: str | None = None,
        refusal: Failure | None = None,
        answer: Callable[[str], Answer] = lambda _: None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.certificate = certificate
        self.refusal = refusal
        self.answer = answer
        self.seen = Seen()
        self.on_event: Callable[[dict[str, Any]], None] = lambda _: None
        self._socket = socket.create_server((host, port))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> TdsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        # Without this the thread that waits for a connection would still take one.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.settimeout(30)
        try:
            with connection:
                _Session(self, connection).run()
        except (OSError, EOFError, ssl.SSLError) as error:
            self.on_event({"ended": f"{type(error).__name__}: {error}"})


class _Session:
    def __init__(self, server: TdsServer, connection: socket.socket) -> None:
        self.server = server
        self.seen = server.seen
        self.connection = connection
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def run(self) -> None:
        kind, _ = self.receive()
        assert kind == PRE_LOGIN
        certificate = self.server.certificate
        self.server.on_event({"pre_login": True})
        self.send(REPLY, _pre_login(ENCRYPT_ON if certificate else ENCRYPT_NOT_SUPPORTED))
        if certificate:
            self.begin_tls(certificate)
        kind, content = self.receive()
        assert kind == LOGIN7, kind
        login = _login(content, encrypted=self.tls is not None)
        self.seen.logins.append(login)
        self.server.on_event({"login": login.user})
        if self.server.refusal is not None:
            self.send(REPLY, _failure(self.server.refusal))
            return
        self.send(REPLY, _welcome(login.database) + _done(DONE))
        while True:
            kind, content = self.receive()
            if kind == ATTENTION:
                self.seen.attentions += 1
                self.server.on_event({"attention": self.seen.attentions})
                self.send(REPLY, _done(ATTENDED))
                continue
            if kind == TRANSACTION:
                self.send(REPLY, _transaction(content) + _done(DONE))
                continue
            assert kind == BATCH, kind
            batch = content[int.from_bytes(content[:4], "little") :].decode("utf-16-le")
            self.seen.batches.append(batch)
            self.server.on_event({"batch": batch})
            self.reply(self.server.answer(batch))

    def reply(self, answer: Answer) -> None:
        if answer is None:
            self.send(REPLY, _done(DONE))
            return
        if isinstance(answer, Silence):
            return
        if isinstance(answer, Failure):
            self.send(REPLY, _failure(answer))
            return
        count = 0
        content = bytearray(_columns(answer.columns))
        kinds = [TYPES[kind] for _, kind in answer.columns]
        for row in answer.rows:
            content.append(0xD1)
            for kind, value in zip(kinds, row, strict=True):
                content += kind.null if value is None else kind.write(value)
            count += 1
            if len(content) > 3000:
                self.send(REPLY, bytes(content), last=False)
                content.clear()
        self.send(REPLY, bytes(content) + _done(COUNTED, count))

    def begin_tls(self, certificate: str) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate)
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if waiting := self.outgoing.read():
                    self.send(PRE_LOGIN, waiting)
                _, content = self.receive()
                self.incoming.write(content)
        if waiting := self.outgoing.read():
            self.send(PRE_LOGIN, waiting)
        self.tls = tls

    def send(self, kind: int, content: bytes, *, last: bool = True) -> None:
        room = 4096 - 8
        pieces = [content[start : start + room] for start in range(0, len(content), room)]
        for number, piece in enumerate(pieces, 1):
            status = 1 if last and number == len(pieces) else 0
            packet = struct.pack(">BBHHBB", kind, status, len(piece) + 8, 0, number % 256, 0) + piece
            if self.tls is not None:
                self.tls.write(packet)
                packet = self.outgoing.read()
            self.connection.sendall(packet)

    def receive(self) -> tuple[int, bytes]:
        """One message: its kind and its content."""
        content = b""
        while True:
            header = self.exactly(8)
            content += self.exactly(int.from_bytes(header[2:4], "big") - 8)
            if header[1] & 1:
                return header[0], content

    def exactly(self, count: int) -> bytes:
        content = b""
        while len(content) < count:
            if self.tls is None:
                piece = self.raw(count - len(content))
            else:
                try:
                    piece = self.tls.read(count - len(content))
                except ssl.SSLWantReadError:
                    self.incoming.write(self.raw(65536))
                    continue
            content += piece
        return content

    def raw(self, count: int) -> bytes:
        piece = self.connection.recv(count)
        if not piece:
            raise EOFError("the client hung up")
        self.seen.content += piece
        return piece


def _pre_login(encryption: int) -> bytes:
    table = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF)
    return table + bytes([15, 0, 0, 0, 0, 0, encryption])


def _login(content: bytes, *, encrypted: bool) -> Login:
    def text(place: int, *, password: bool = False) -> str:
        offset, length = struct.unpack_from("<HH", content, place)
        data = content[offset : offset + 2 * length]
        return (bytes(map(_plain, data)) if password else data).decode("utf-16-le")

    return Login(
        user=text(40),
        password=text(44, password=True),
        database=text(68),
        application=text(48),
        read_only=bool(content[26] & 0x20),
        encrypted=encrypted,
    )


def _counted(text: str) -> bytes:
    return bytes([len(text)]) + _utf16(text)


def _token(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + struct.pack("<H", len(content)) + content


def _welcome(database: str) -> bytes:
    environment = _token(0xE3, b"\x01" + _counted(database) + _counted("master"))
    collation = _token(0xE3, b"\x07\x05" + _COLLATION + b"\x00")
    name = _counted("Microsoft SQL Server")
    return environment + collation + _token(0xAD, b"\x01\x74\x00\x00\x04" + name + b"\x0f\x00\x10\x00")


def _transaction(content: bytes) -> bytes:
    request = int.from_bytes(content[int.from_bytes(content[:4], "little") :][:2], "little")
    descriptor = bytes([8, 1, 0, 0, 0, 0, 0, 0, 0])
    if request == 5:  # begin
        return _token(0xE3, b"\x08" + descriptor + b"\0")
    return _token(0xE3, bytes([9 if request == 7 else 10]) + b"\0" + descriptor)


def _failure(failure: Failure) -> bytes:
    content = struct.pack("<iBB", failure.number, 1, 14)
    content += struct.pack("<H", len(failure.text)) + _utf16(failure.text)
    content += _counted("test") + _counted("") + struct.pack("<I", 1)
    return _token(0xAA, content) + _done(FAILED)


def _done(status: int, count: int = 0) -> bytes:
    return struct.pack("<BHHQ", 0xFD, status, 0xC1, count)


def _columns(columns: Sequence[tuple[str, str]]) -> bytes:
    described = b"".join(
        struct.pack("<IH", 0, 0x09) + TYPES[kind].declared + _counted(name) for name, kind in columns
    )
    return b"\x81" + struct.pack("<H", len(columns)) + described


def _say(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until killed."""
    given = json.loads(sys.argv[1])
    refusal = Failure(*given["refusal"]) if "refusal" in given else None
    tables = {
        name: Rows([(column, kind) for column, kind in table["columns"]], table["rows"])
        for name, table in given.get("tables", {}).items()
    }
    silent = given.get("silent", ())

    def answer(sql: str) -> Answer:
        asked = next((rows for name, rows in tables.items() if f"FROM {name}" in sql), None)
        own = about_itself(sql, [kind for _, kind in asked.columns] if asked else ())
        if own is None and any(f"FROM {name}" in sql for name in silent):
            return Silence()
        return own or asked

    server = TdsServer(
        refusal=refusal, answer=answer, certificate=given.get("certificate"), host="", port=given["port"]
    )
    server.on_event = _say
    _say({"listening": server.port})
    threading.Event().wait()


if __name__ == "__main__":
    main()
