"""One pool of connections for a target, however many threads and engines work on it.

    with shared_pool("warehouse") as target, ThreadPoolExecutor(32) as threads:
        done = [threads.submit(run_datakit, datakit, target) for datakit in datakits]

At no time are more than `pool_size + pool_overflow` connections open. Who finds none free waits for
`pool_timeout`. A connection that comes back is made like new, or closed where its engine cannot do that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, QueuePool, event
from sqlalchemy.engine import URL

from ..errors import TerminalError
from .settings import resolve_target
from .target import Target

if TYPE_CHECKING:
    from ..engines.base import BaseEngine

__all__ = ["Pool", "shared_pool"]

_PASSWORD = ("password", "passwd")


class Pool:
    """The open connections of one target, made by one kind of engine."""

    __slots__ = ("maker", "source")

    def __init__(self, maker: BaseEngine) -> None:
        self.maker = type(maker)
        self.source = maker.open_source(_pool_arguments(maker.target))
        if not isinstance(self.source.pool, QueuePool):
            raise TerminalError(
                f"{self.maker.__name__} cannot share connections",
                hint="its make_sqlalchemy_engine must give create_engine its pool_arguments",
            )
        _renew_at_return(self.source, maker)
        _read_password_at_connect(self.source, maker.target)

    def __repr__(self) -> str:
        return f"Pool({self.maker.__name__})"


@contextmanager
def shared_pool(
    target: Target | URL | str, *, engine: BaseEngine | type[BaseEngine] | None = None
) -> Iterator[Target]:
    """The target, with connections that everything which is given it shares, for the time of the block.

    Args:
        target: a target, a name from `datakit.toml`, or a database URL.
        engine: an engine of your own; by default the one for the URL's dialect.

    Raises:
        TargetError: the target is unknown or refuses the credentials.
        TerminalError: the engine cannot share connections.
    """
    from ..engines.registry import engine_for

    resolved = resolve_target(target)
    pool = Pool(engine_for(resolved, engine))
    try:
        yield resolved.with_pool(pool)
    finally:
        pool.source.dispose()


def _pool_arguments(target: Target) -> dict[str, Any]:
    return {
        "poolclass": QueuePool,
        "pool_size": target.pool_size,
        "max_overflow": target.pool_overflow,
        "pool_timeout": target.pool_timeout,
        "pool_recycle": target.pool_lifetime,
        # What is left over from the last user is not of the kind that a rollback takes away.
        "pool_reset_on_return": None,
    }


def _renew_at_return(source: Engine, maker: BaseEngine) -> None:
    @event.listens_for(source, "reset")
    def renew(connection: Any, record: Any, state: Any) -> None:
        if state.terminate_only:
            return
        try:
            renewed = maker.renew_session(connection)
        except Exception:
            # Lost or in an unknown state; the next user gets another one.
            renewed = False
        if not renewed:
            record.invalidate()


def _read_password_at_connect(source: Engine, target: Target) -> None:
    """Passwords can change while a pool lives: a file is replaced, a token runs out."""

    @event.listens_for(source, "do_connect")
    def read_password(dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> None:
        now, named = dialect.create_connect_args(target.secret_url())
        arguments[:] = now
        options.update({key: named[key] for key in _PASSWORD if key in named})
