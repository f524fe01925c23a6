"""What is said of a server that cannot be reached, or should not be: shown on real sockets.

The embedded server listens on a socket in a folder and is built without TLS, so a relay on loopback stands
before it: it speaks TLS as a PostgreSQL server does, and passes on what it hears.
"""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlmodel_framework import BaseEngine, DatakitError, Target
from sqlmodel_framework.engines.postgres.embedded import embedded_postgres
from sqlmodel_framework.engines.postgres.engine import PostgresEngine
from sqlmodel_framework.errors import UnsupportedVersionError
from sqlmodel_framework.targets.check import test_connection
from sqlmodel_framework.testing.certificates import write_certificate

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
PASSWORD = "hush-hush"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A server on which `keeper` needs a password, and `guest` may only look."""
    folder = tmp_path_factory.mktemp("reach")
    with embedded_postgres(folder, throwaway=True) as target:
        rules = folder / "database" / "pg_hba.conf"
        rules.write_text(f"local all keeper scram-sha-256\n{rules.read_text()}")
        dsn = f"host={target.url.query['host']} user={target.url.username} dbname=postgres"
        with closing(psycopg2.connect(dsn)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE ROLE keeper LOGIN PASSWORD %s", (PASSWORD,))
            cursor.execute('CREATE ROLE "gu\'est" LOGIN')
            cursor.execute("GRANT CREATE ON DATABASE postgres TO keeper")
            cursor.execute("SELECT pg_reload_conf()")
        yield target


class Relay:
    """Passes connections on loopback to the server's socket, with TLS where it has a certificate."""

    def __init__(self, server: Target, certificate: Path | None) -> None:
        self._place = f"{server.url.query['host']}/.s.PGSQL.5432"
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.encrypted: list[bool] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        # A thread that waits in accept keeps the listener open; this wakes it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, socket.socket(socket.AF_UNIX) as behind:
            behind.connect(self._place)
            first = client.recv(8, socket.MSG_WAITALL)
            wants_tls = first == SSL_REQUEST
            if wants_tls and self._context is not None:
                client.sendall(b"S")
                with self._context.wrap_socket(client, server_side=True) as encrypted:
                    self.encrypted.append(True)
                    _pass_on(encrypted, behind)
                return
            self.encrypted.append(False)
            behind.sendall(first)
            _pass_on(client, behind)


def _pass_on(client: socket.socket, behind: socket.socket) -> None:
    def back() -> None:
        with suppress(OSError):
            while heard := behind.recv(65536):
                client.sendall(heard)
            client.shutdown(socket.SHUT_RDWR)

    answering = threading.Thread(target=back, daemon=True)
    answering.start()
    while heard := client.recv(65536):
        behind.sendall(heard)
    behind.shutdown(socket.SHUT_RDWR)
    answering.join()


@contextmanager
def relay(server: Target, certificate: Path | None = None) -> Iterator[Relay]:
    with closing(Relay(server, certificate)) as made:
        yield made


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("certificates")
    hosts = {"good": "localhost", "other": "localhost", "elsewhere": "elsewhere.example"}
    return {name: write_certificate(folder / f"{name}.pem", host) for name, host in hosts.items()}


def keeper(port: int, host: str = "localhost", **options: Any) -> Target:
    options = {"password": PASSWORD, "connect_timeout": 20, **options}
    return Target(f"postgresql://keeper@{host}:{port}/postgres", name="t", **options)


def said_of(target: Target, exit_code: int = 64) -> str:
    """The one line about a target that does not answer."""
    outcome = test_connection(target)
    assert outcome.value is None
    assert outcome.error is not None
    assert outcome.error.exit_code == exit_code
    assert outcome.error.target == "t"
    assert outcome.error.hint
    said = f"{outcome.error.message} / {outcome.error.hint}"
    assert "\n" not in said
    assert PASSWORD not in f"{said} {outcome.error!r}"
    return outcome.error.message


# Where the server is.


def test_a_name_that_does_not_resolve() -> None:
    said = said_of(Target("postgresql://nowhere.invalid/d", name="t"), 69)
    assert said == "target t cannot be reached: the host name nowhere.invalid does not resolve"


def test_a_port_that_is_closed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        said = said_of(keeper(port, "127.0.0.1"), 69)
    assert said == f"target t cannot be reached: nobody listens on port {port} of 127.0.0.1"


def test_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        said = said_of(keeper(port, "127.0.0.1", connect_timeout=2), 69)
    assert said == f"target t cannot be reached: no answer from port {port} of 127.0.0.1 within 2 s"


# TLS.


def test_tls_with_the_right_host_and_authority(server: Target, certificates: dict[str, Path]) -> None:
    with relay(server, certificates["good"]) as reached:
        for options in ({"tls": "require"}, {"tls": "verify-full", "tls_ca": certificates["good"]}):
            assert test_connection(keeper(reached.port, **options)).error is None
        assert reached.encrypted == [True, True]


def test_no_tls_where_none_is_wanted(server: Target, certificates: dict[str, Path]) -> None:
    with relay(server, certificates["good"]) as reached:
        assert test_connection(keeper(reached.port, tls="disable")).error is None
        assert test_connection(keeper(reached.port)).error is None
        # The driver's own habit is TLS where there is some.
        assert reached.encrypted == [False, True]


@pytest.mark.parametrize("tls", ["require", "verify-full"])
def test_a_server_without_tls_is_refused(server: Target, certificates: dict[str, Path], tls: str) -> None:
    ca = certificates["good"] if tls == "verify-full" else None
    with relay(server) as reached:
        said = said_of(keeper(reached.port, tls=tls, tls_ca=ca))
    assert said == "target t: the server offers no TLS"


def test_a_certificate_that_nobody_known_has_signed(server: Target, certificates: dict[str, Path]) -> None:
    with relay(server, certificates["other"]) as reached:
        said = said_of(keeper(reached.port, tls="verify-full", tls_ca=certificates["good"]))
    assert said.startswith("target t: the server's certificate is not trusted: certificate verify failed")


def test_a_certificate_of_another_host(server: Target, certificates: dict[str, Path]) -> None:
    with relay(server, certificates["elsewhere"]) as reached:
        said = said_of(keeper(reached.port, tls="verify-full", tls_ca=certificates["elsewhere"]))
        assert said.startswith("target t: the server's certificate is not trusted: server certificate for ")
        assert "elsewhere.example" in said
        # Which is what the weaker word looks away from.
        assert test_connection(keeper(reached.port, tls="require")).error is None


def test_an_authority_that_is_not_there(tmp_path: Path) -> None:
    outcome = test_connection(keeper(1, tls="verify-full", tls_ca=tmp_path / "absent.pem"))
    assert outcome.error is not None
    assert outcome.error.message == f"target t: tls_ca: there is no file {tmp_path / 'absent.pem'}"


def test_tls_on_a_socket_is_no_tls(server: Target) -> None:
    target = Target(server.url, name="t", tls="require")
    assert said_of(target) == "target t: tls is 'require', and the connection is without"


# Who may do what there.


def test_a_wrong_password(server: Target) -> None:
    with relay(server) as reached:
        said = said_of(keeper(reached.port, password="hush-hush-wrong"))
        assert test_connection(keeper(reached.port)).error is None
    assert said == 'target t: password authentication failed for user "keeper"'


def test_a_database_that_is_not_there(server: Target) -> None:
    said = said_of(Target(server.url.set(database="nowhere"), name="t"))
    assert said == 'target t: database "nowhere" does not exist'


def test_a_database_that_the_user_may_not_enter(server: Target) -> None:
    owner = PostgresEngine(server)
    owner.write_rows("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    try:
        said = said_of(Target(server.url.set(username="gu'est"), name="t"))
    finally:
        owner.write_rows("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
    assert said.startswith('target t: permission denied for database "postgres"')


def test_a_right_that_is_missing_is_named_with_what_grants_it(server: Target) -> None:
    target = Target(server.url.set(username="gu'est"), name="t")
    assert said_of(target) == ("""target t: user "gu'est" lacks the right CREATE on database 'postgres'""")
    error = test_connection(target).error
    assert error is not None
    assert error.hint is not None
    PostgresEngine(server).write_rows(error.hint)
    assert test_connection(target).error is None


# What it is.


class Modern(PostgresEngine):
    oldest_version = (99, 1)


def test_a_version_that_is_not_supported_is_told_with_the_oldest_that_is(server: Target) -> None:
    with pytest.raises(UnsupportedVersionError) as caught, Modern(server).connect():
        pass
    found, oldest = caught.value.found, caught.value.oldest
    assert (found.split(".")[0].isdigit(), oldest) == (True, "99.1")
    assert f"postgresql {found} is not supported, the oldest that is, is 99.1" in caught.value.message
    assert caught.value.exit_code == 64


def test_the_engines_say_which_versions_they_support() -> None:
    assert PostgresEngine.oldest_version == (15,)
    assert BaseEngine.oldest_version is None


def test_a_driver_that_is_missing() -> None:
    said = said_of(Target("postgresql+no_such_driver://h/d", name="t"))
    assert said.startswith("target t: the driver of postgresql+no_such_driver is missing: ")


def test_a_refusal_is_the_same_for_a_deployment_as_for_a_check(server: Target) -> None:
    with relay(server) as reached, pytest.raises(DatakitError, match="the server offers no TLS"):
        PostgresEngine(keeper(reached.port, tls="require")).read_rows("SELECT 1")
