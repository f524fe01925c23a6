"""How an engine is connected: one connection at a time, transactions, and errors without secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..errors import (
    DatakitError,
    StoppedError,
    TargetError,
    TerminalError,
    UnavailableError,
    UnsupportedVersionError,
)
from ..runs.stopping import cancelling, stop_if_asked, stop_is_heard

if TYPE_CHECKING:
    from ..targets.target import Target

__all__ = ["Connecting"]

_NO_POOL: Mapping[str, Any] = MappingProxyType({"poolclass": NullPool})


class Connecting:
    """What is bound to a target, and holds at most one connection, for the time of a `with self.connect()`.

    It is a new one, or one of the target's pool; see `sqlmodel_framework.targets.pool`.
    """

    oldest_version: ClassVar[tuple[int, ...] | None] = None
    """The oldest version of a server that is supported. None: any is."""

    _target: Target | None = None
    _pool_arguments: Mapping[str, Any] = _NO_POOL
    _connection: Connection | None = None

    def __init__(self, target: Target | None = None) -> None:
        self._target = target

    def bind(self, target: Target) -> None:
        """Use this target from now on."""
        self._target = target

    @property
    def target(self) -> Target:
        """The target that this engine works on."""
        if self._target is None:
            raise TerminalError(f"{type(self).__name__} has no target yet")
        return self._target

    @property
    def connection(self) -> Connection:
        """The open connection, inside `with engine.connect()`."""
        if self._connection is None:
            raise TerminalError(f"{type(self).__name__} is not connected")
        return self._connection

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Open the connection, or use the one that is open; database errors become `DatakitError`."""
        if self._connection is not None:
            yield self._connection
            return
        with self._source() as source:
            try:
                with self.translating():
                    self._connection = source.connect()
                    self._refuse_old_version(self._connection)
                    event.listen(self._connection, "before_cursor_execute", _stop_between_statements)
                    with cancelling(self.cancel):
                        yield self._connection
            finally:
                # What was to be kept is committed by now; a connection that is lost cannot even be closed.
                with suppress(SQLAlchemyError):
                    if self._connection is not None:
                        self._connection.close()
                self._connection = None

    @contextmanager
    def _source(self) -> Iterator[Engine]:
        pool = self.target.pool
        if pool is None:
            source = self.open_source()
            try:
                yield source
            finally:
                source.dispose()
        elif pool.maker is type(self):
            yield pool.source
        else:
            raise TerminalError(
                f"{type(self).__name__} cannot use connections of {pool.maker.__name__}",
                hint=f"open the pool with engine={type(self).__name__}",
                target=self.target.name,
            )

    def _refuse_old_version(self, connection: Connection) -> None:
        found = connection.dialect.server_version_info
        if self.oldest_version is None or found is None or found >= self.oldest_version:
            return
        dotted, oldest = (".".join(map(str, version)) for version in (found, self.oldest_version))
        raise UnsupportedVersionError(
            f"target {self.target.name}: {connection.dialect.name} {dotted} is not supported, "
            f"the oldest that is, is {oldest}",
            found=dotted,
            oldest=oldest,
            target=self.target.name,
        )

    @property
    def server(self) -> str:
        """What answers: the kind of database and its version, such as `postgresql 18.0`."""
        dialect = self.connection.dialect
        return " ".join((dialect.name, ".".join(map(str, dialect.server_version_info or ())))).rstrip()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """All or nothing: commit at the end, roll back when an error leaves the block."""
        with self.connect() as connection, self.translating(), connection.begin():
            yield connection

    @contextmanager
    def translating(self) -> Iterator[None]:
        """Turn errors of the database into this package's errors, without any secret."""
        try:
            yield
        except PoolTimeoutError:
            most = self.target.pool_size + self.target.pool_overflow
            raise UnavailableError(
                f"target {self.target.name}: none of its {most} connections came free "
                f"in {self.target.pool_timeout:g} s",
                hint="raise pool_size, pool_overflow or pool_timeout, or do less at once",
                target=self.target.name,
            ) from None
        except SQLAlchemyError as error:
            translated = self.translate(error)
            if isinstance(translated, StoppedError):
                stop_is_heard()
            raise translated from None

    def translate(self, error: SQLAlchemyError) -> DatakitError:
        """The error of this package that an error of the database means."""
        text = self.target.mask(str(getattr(error, "orig", None) or error))
        # What no driver raised is a mistake in a name or a statement.
        kind = UnavailableError if isinstance(error, DBAPIError) else TerminalError
        return kind(f"target {self.target.name}: {text}", target=self.target.name)

    def make_sqlalchemy_engine(self) -> Engine:
        """SQLAlchemy's engine for the target, with the pool that `pool_arguments` says."""
        return create_engine(
            self.target.secret_url(),
            **self.pool_arguments(),
            hide_parameters=True,
            connect_args=dict(self.target.options),
        )

    def pool_arguments(self) -> dict[str, Any]:
        """What `make_sqlalchemy_engine` tells `create_engine` of the pool: none, unless one is shared."""
        return dict(self._pool_arguments)

    def open_source(self, pool_arguments: Mapping[str, Any] = _NO_POOL) -> Engine:
        """Where connections come from: SQLAlchemy's engine, its errors being this package's.

        Args:
            pool_arguments: what `create_engine` is told of the pool; by default, to make none.

        Raises:
            TargetError: the driver or a file is missing, or the URL means nothing to the driver.
        """
        target = self.target
        if target.tls_ca is not None and not target.tls_ca.is_file():
            raise TargetError(
                f"target {target.name}: tls_ca: there is no file {target.tls_ca}", target=target.name
            )
        try:
            self._pool_arguments = pool_arguments
            source = self.make_sqlalchemy_engine()
        except (ImportError, NoSuchModuleError) as error:
            raise TargetError(
                f"target {target.name}: the driver of {target.url.drivername} is missing: {error}",
                hint="install it, or name another one in the URL: dialect+driver://",
                target=target.name,
            ) from None
        except SQLAlchemyError as error:
            raise self.translate(error) from None
        # What it shows of itself; of an option that is a secret it would show the value.
        source.url = target.url
        return source

    def renew_session(self, driver_connection: Any) -> bool:
        """Make the driver's connection like new for the next user of a shared pool.

        Nothing of the last one may be left: no lock, no temporary table, no setting.

        Returns:
            Whether that was done; if not, the connection is closed, as it is by default.
        """
        return False

    @contextmanager
    def locked(self, purpose: str) -> Iterator[None]:
        """Hold off others with the same purpose for the time of the block; nothing is held by default.

        The lock belongs to the connection, so it is gone when its holder is.
        """
        yield

    def cancel(self) -> None:
        """Cancel the statement that is under way; called from another thread."""


def _stop_between_statements(*_: object) -> None:
    stop_if_asked()
