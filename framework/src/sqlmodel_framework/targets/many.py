"""One piece of work on many targets at once.

    outcomes = on_many(resolve_targets(["warehouses"]), lambda target: deploy_datakit(datakit, target))
    error = failure_of(outcomes)
    if error is not None:
        raise error

Each target has an outcome of its own; together they amount to one error or none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import DatakitError, TerminalError, TransientError
from ..runs.stopping import cancel_all, stop_on_sigterm, stop_was_requested, stoppable
from .target import Target

__all__ = ["AT_ONCE", "Outcome", "failure_of", "on_many"]

AT_ONCE = 8
"""Targets that are worked on at the same time, unless the caller says otherwise."""

_SECONDS_BETWEEN_CANCELS = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """What came of the work on one target.

    Attributes:
        target: the target's name.
        value: what the work returned; None when it failed.
        error: why it failed, or None.
        seconds: how long it took.
    """

    target: str
    value: T | None
    error: DatakitError | None
    seconds: float


def on_many(
    targets: Sequence[Target],
    work: Callable[[Target], T],
    *,
    at_once: int = AT_ONCE,
    on_outcome: Callable[[Outcome[T]], None] | None = None,
) -> tuple[Outcome[T], ...]:
    """Do the same on each target, in threads of their own; a failure stops none of the others.

    On Ctrl-C or SIGTERM nothing more is begun, what is under way is cancelled and rolled back, and when all
    of it has ended the signal goes on its way as an exception.

    Args:
        targets: where.
        work: what; called with a target, in several threads at the same time.
        at_once: how many targets at a time, at most.
        on_outcome: called with each outcome as it comes, in the caller's thread.

    Returns:
        The outcomes, in the order of the targets. An error that is no `DatakitError` is one of the kind
        that stands for a bug.

    Raises:
        StoppedError: SIGTERM came.
        KeyboardInterrupt: Ctrl-C came.
    """
    tell = on_outcome or (lambda _outcome: None)
    threads = ThreadPoolExecutor(max(1, min(at_once, len(targets))), thread_name_prefix="target")
    with stop_on_sigterm():
        futures = [threads.submit(_attempt, target, work) for target in targets]
        try:
            left = set(futures)
            while left:
                done, left = wait(left, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=futures.index):
                    tell(future.result())
            return tuple(future.result() for future in futures)
        finally:
            _end(threads, futures)


def failure_of(outcomes: Sequence[Outcome[T]]) -> DatakitError | None:
    """The error that the outcomes amount to: None when all is well, the very one when there is one target.

    It is transient, with the exit code of the first failure, when all failures are; else it is terminal,
    with the exit code of the first that is not transient.
    """
    failed = [(outcome.target, outcome.error) for outcome in outcomes if outcome.error is not None]
    if not failed:
        return None
    if len(outcomes) == 1:
        return failed[0][1]
    errors = [error for _, error in failed]
    decisive = next((error for error in errors if not isinstance(error, TransientError)), errors[0])
    kind = TransientError if isinstance(decisive, TransientError) else TerminalError
    names = ", ".join(target for target, _ in failed)
    whole = kind(
        f"{len(failed)} of {len(outcomes)} targets failed: {names}",
        hint=f"{decisive.target or failed[errors.index(decisive)][0]}: {decisive.hint or decisive.message}",
    )
    whole.exit_code = decisive.exit_code
    return whole


def _attempt(target: Target, work: Callable[[Target], T]) -> Outcome[T]:
    started = time.perf_counter()
    value, failure = None, None
    try:
        with stoppable():
            value = work(target)
    except DatakitError as error:
        failure = error
    except Exception as error:
        text = target.mask(f"{type(error).__name__}: {error}")
        failure = DatakitError(f"target {target.name}: unexpected: {text}", target=target.name)
        failure.__cause__ = error
    return Outcome(target.name, value, failure, time.perf_counter() - started)


def _end(threads: ThreadPoolExecutor, futures: list[Future[Outcome[T]]]) -> None:
    """Wait for what is under way; a statement that began as a signal came is cancelled by the next try."""
    threads.shutdown(wait=False, cancel_futures=True)
    begun = [future for future in futures if not future.cancelled()]
    while wait(begun, _SECONDS_BETWEEN_CANCELS).not_done:
        if stop_was_requested():
            cancel_all()
    threads.shutdown()
